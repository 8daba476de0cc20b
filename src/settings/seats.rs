//! `[seats]`: how seats are given.

use super::reader::{Reader, Split};
use crate::model::change::Promotion;
use crate::model::fold;
use crate::model::settings::{Match, SeatSettings};

pub fn compile(reader: &Reader) -> SeatSettings {
    SeatSettings {
        match_: reader.choice("match", &[("first", Match::First), ("all", Match::All)]).unwrap_or(Match::First),
        approve_joiners: reader.choice("joiners", &[("seat", false), ("approve", true)]).unwrap_or(false),
        promotion: reader
            .choice("promotion", &[("manual", Promotion::Manual), ("automatic", Promotion::Automatic)])
            .unwrap_or(Promotion::Manual),
        approved_domains: approved_domains(reader),
    }
}

/// No domain at all means any, as if it were left out: who wants nobody in without approval says `joiners`.
fn approved_domains(reader: &Reader) -> Option<Vec<String>> {
    let domains = reader.texts("approved_domains", Split::AtCommas)?;
    for (index, domain) in domains.iter().enumerate() {
        if !is_domain(domain) {
            let message = "must be a mail domain, for instance \"corp.example\", without \"@\" and without \"*\"";
            reader.item_problem("approved_domains", index, domain, message);
        }
    }
    let folded: Vec<String> = domains.iter().map(|domain| fold(domain)).collect();
    (!folded.is_empty()).then_some(folded)
}

fn is_domain(text: &str) -> bool {
    let label = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    text.split('.').all(label)
}
