//! The ids of events in the Event Log of Windows, by the name that each has in the code. docs/windows-events.md tells them all;
//! an id is never given to another event.

use tracing::Level;

/// Every event with an id of its own.
pub const IDS: &[(u32, &str)] = &[
    (100, "agent.runs"),
    (101, "agent.stopped"),
    (102, "agent.asked_to_stop"),
    (103, "agent.does_not_run"),
    (104, "agent.left_a_cycle"),
    (105, "agent.mistake"),
    (110, "agent.works"),
    (111, "agent.stands_by"),
    (112, "agent.took_over"),
    (113, "agent.is_a_copy"),
    (200, "config.asked"),
    (201, "config.taken"),
    (202, "config.refused"),
    (203, "config.odd"),
    (204, "config.log_later"),
    (205, "config.page_stays"),
    (300, "cycle.made"),
    (301, "cycle.failed"),
    (302, "cycle.held"),
    (303, "cycle.refused"),
    (304, "cycle.partial"),
    (305, "cycle.well_again"),
    (306, "cycle.as_before"),
    (307, "cycle.given_up"),
    (400, "directory.unread"),
    (401, "directory.retried"),
    (402, "directory.renamed"),
    (403, "directory.other_kind"),
    (500, "state.no_sign_of_life"),
    (501, "state.requests"),
    (502, "state.batch_settled"),
    (503, "state.cycle_unrecorded"),
    (504, "state.decision_settled"),
    (600, "notify.undelivered"),
    (601, "notify.delivered_again"),
    (602, "notify.given_up"),
    (603, "notify.unusable"),
    (604, "notify.kept"),
    (605, "notify.state"),
];

/// Events without an id of their own, by how loud they are.
pub const ERROR: u32 = 1;
pub const WARNING: u32 = 2;
pub const INFORMATION: u32 = 3;

/// The id of an event.
#[must_use]
pub fn id(name: &str, level: Level) -> u32 {
    let own = IDS.iter().find(|(_, known)| *known == name).map(|(id, _)| *id);
    own.unwrap_or(match level {
        Level::ERROR => ERROR,
        Level::WARN => WARNING,
        _ => INFORMATION,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_own_id_or_that_of_its_loudness() {
        assert_eq!(id("cycle.held", Level::ERROR), 302);
        assert_eq!(id("event src/x.rs:7", Level::ERROR), ERROR);
        assert_eq!(id("event src/x.rs:7", Level::DEBUG), INFORMATION);
    }

    #[test]
    fn no_id_is_given_twice_and_each_fits_the_message_file() {
        let ids: std::collections::BTreeSet<u32> = IDS.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), IDS.len());
        // EventCreate.exe, which shows them where our own message file is not installed, knows 1 to 1000.
        assert!(ids.iter().all(|id| (100..1000).contains(id)));
    }
}
