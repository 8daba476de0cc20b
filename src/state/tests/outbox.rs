//! Messages lie in the state from the end of a cycle until they were sent.

use jiff::Timestamp;

use crate::model::memory::CycleRecord;
use crate::model::notice::{Channel, News, Notice, NoticeKind, Parcel, Told};
use crate::ports::{History as _, Left, Outbox as _};
use crate::state::State;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn record(started: i64) -> CycleRecord {
    CycleRecord { number: 1, started: at(started), seconds: 0.5, outcome: "ok".into(), report: "{}".into() }
}

fn news(subject: &str) -> News {
    let notice = Notice {
        kind: NoticeKind::Digest,
        at: at(7),
        subject: subject.into(),
        text: "text\n".into(),
        body: "{}".into(),
    };
    News {
        told: Told { fingerprint: Some(subject.into()), ..Told::default() },
        notices: vec![notice],
        channels: vec![Channel::Webhook, Channel::Mail("it@corp.example".into())],
    }
}

#[test]
fn a_message_waits_for_each_receiver_under_one_id_until_it_was_sent() {
    let mut state = State::in_memory().unwrap();
    assert_eq!(state.told().unwrap(), Told::default());
    state.finish_cycle(&record(10), None, Left::default(), Some(&news("one"))).unwrap();
    assert_eq!(state.told().unwrap().fingerprint.as_deref(), Some("one"));
    let parcels = state.parcels().unwrap();
    let [webhook, mail]: &[Parcel; 2] = parcels.as_slice().try_into().unwrap();
    assert_eq!((&webhook.channel, &mail.channel), (&Channel::Webhook, &Channel::Mail("it@corp.example".into())));
    assert_eq!((&webhook.message, webhook.message.len()), (&mail.message, 32));
    assert_eq!((&webhook.notice, webhook.attempts, webhook.next), (&news("one").notices[0], 0, at(10)));
    state.parcel_done(webhook.id).unwrap();
    state.parcel_failed(mail.id, at(99), true).unwrap();
    let left = state.parcels().unwrap();
    assert_eq!(left, [Parcel { attempts: 1, next: at(99), refused: true, ..mail.clone() }]);
}

#[test]
fn two_messages_have_two_ids_and_come_in_their_order() {
    let mut state = State::in_memory().unwrap();
    for subject in ["one", "two"] {
        state.finish_cycle(&record(10), None, Left::default(), Some(&news(subject))).unwrap();
    }
    let parcels = state.parcels().unwrap();
    let subjects: Vec<&str> = parcels.iter().map(|parcel| parcel.notice.subject.as_str()).collect();
    assert_eq!(subjects, ["one", "one", "two", "two"]);
    assert_ne!(parcels[0].message, parcels[2].message);
}

#[test]
fn a_cycle_without_anybody_to_tell_forgets_what_was_told_and_what_waits() {
    let mut state = State::in_memory().unwrap();
    state.finish_cycle(&record(10), None, Left::default(), Some(&news("one"))).unwrap();
    state.finish_cycle(&record(20), None, Left::default(), None).unwrap();
    assert_eq!((state.parcels().unwrap(), state.told().unwrap()), (Vec::new(), Told::default()));
}
