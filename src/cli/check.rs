//! `check`: the config, and with `--connect` the servers.

use super::console::Console;
use super::exit::Exit;
use super::page::{Page, Tone};
use super::words::counted;
use crate::app::AppError;
use crate::model::report::{CheckProblem, CheckReport, Probe};

/// Prints what was found; the caller looked, since a config may be too broken to open.
pub fn check(report: &CheckReport, console: &Console) -> Result<Exit, AppError> {
    if !console.spares(report.ok && report.warnings.is_empty()) {
        console.answer(report, |report, page| {
            if console.by_variable && !report.problems.is_empty() {
                page.line("SEATSYNC_CONFIG names this config.");
            }
            render(report, page);
        })?;
    }
    Ok(exit(report))
}

/// What is wrong without asking a server is 2; whatever a server answered is 1.
pub(super) fn exit(report: &CheckReport) -> Exit {
    match (report.ok, report.problems.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Partial,
        (false, false) => Exit::Wrong,
    }
}

pub(super) fn render(report: &CheckReport, page: &mut Page) {
    if !report.problems.is_empty() || !report.warnings.is_empty() {
        page.heading("The config");
        report.problems.iter().for_each(|problem| tell_problem(page, Tone::Bad, "  wrong  ", problem));
        report.warnings.iter().for_each(|warning| tell_problem(page, Tone::Warn, "  odd    ", warning));
    }
    if !report.probes.is_empty() {
        page.heading("The servers");
        report.probes.iter().for_each(|probe| tell_probe(page, probe));
    }
    let failed = report.probes.iter().filter(|probe| !probe.ok).count() as u64;
    let problems = report.problems.len() as u64;
    let sentence = match (problems, failed, report.probes.is_empty()) {
        (0, 0, true) => format!("the config is right{}; --connect asks the servers too", less(report)),
        (0, 0, false) => format!("the config is right, and the servers answer as they must{}", less(report)),
        (0, _, _) => format!("{} failed", counted(failed, "probe", "probes")),
        (_, 0, _) => format!("{} of the config", counted(problems, "problem", "problems")),
        _ => format!(
            "{} of the config, {} failed",
            counted(problems, "problem", "problems"),
            counted(failed, "probe", "probes")
        ),
    };
    let (tone, word) = if report.ok { (Tone::Good, "ok") } else { (Tone::Bad, "not ok") };
    page.verdict(tone, word, &sentence);
}

/// "; one thing could be better": what is odd in the config, and what works less well.
fn less(report: &CheckReport) -> String {
    let less = report.probes.iter().filter(|probe| probe.is_less()).count() + report.warnings.len();
    match less as u64 {
        0 => String::new(),
        count => format!("; {} could be better", counted(count, "thing", "things")),
    }
}

fn tell_problem(page: &mut Page, tone: Tone, word: &str, problem: &CheckProblem) {
    let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
    let value = problem.value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
    let key = if problem.key.is_empty() { String::new() } else { format!("{}{value}: ", problem.key) };
    page.pieces(&[
        (tone, word),
        (Tone::Plain, &format!("{}{line}: ", problem.file)),
        (Tone::Strong, &key),
        (Tone::Plain, &problem.message),
    ]);
}

fn tell_probe(page: &mut Page, probe: &Probe) {
    let (tone, word) = match (probe.ok, probe.is_less()) {
        (true, false) => (Tone::Good, "  ok     "),
        (true, true) => (Tone::Warn, "  less   "),
        (false, _) => (Tone::Bad, "  failed "),
    };
    page.pieces(&[(tone, word), (Tone::Strong, &probe.what), (Tone::Plain, ": "), (Tone::Plain, &probe.message)]);
    let lost = if probe.ok { "the risk" } else { "lost without it" };
    for (label, text) in [(lost, &probe.lost), ("to mend it", &probe.remedy)] {
        if let Some(text) = text.as_ref().filter(|_| !probe.ok || probe.is_less()) {
            labelled(page, &format!("         {label}:"), text);
        }
    }
}

/// A command of several lines stands as it is to be pasted: a here document ends only at the beginning of a line.
fn labelled(page: &mut Page, label: &str, text: &str) {
    if text.contains('\n') {
        page.pieces(&[(Tone::Faint, label)]);
        text.lines().for_each(|line| page.line(line));
    } else {
        page.pieces(&[(Tone::Faint, &format!("{label} ")), (Tone::Plain, text)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(ok: bool) -> Probe {
        Probe {
            what: "corp: read tombstones".to_owned(),
            ok,
            message: if ok { "can" } else { "insufficient access" }.to_owned(),
            lost: (!ok).then(|| "deletions are seen a cycle later".to_owned()),
            remedy: Some("dsacls \"CN=Deleted Objects,...\"".to_owned()),
        }
    }

    fn problem() -> CheckProblem {
        CheckProblem {
            file: "seatsync.toml".to_owned(),
            line: Some(3),
            key: "agent.poll".to_owned(),
            value: Some("\"5x\"".to_owned()),
            message: "write a duration such as 5m".to_owned(),
        }
    }

    #[test]
    fn a_wrong_config_is_2_and_a_failed_probe_1() {
        assert_eq!(exit(&CheckReport::of(vec![], vec![], vec![probe(true)])), Exit::Done);
        assert_eq!(exit(&CheckReport::of(vec![], vec![], vec![probe(false)])), Exit::Partial);
        assert_eq!(exit(&CheckReport::of(vec![problem()], vec![], vec![probe(false)])), Exit::Wrong);
    }

    #[test]
    fn what_works_less_well_is_no_failure_and_says_what_is_lost() {
        let less = Probe { lost: Some("deletions are seen a cycle later".to_owned()), ..probe(true) };
        let report = CheckReport::of(vec![], vec![], vec![probe(true), less]);
        assert_eq!(exit(&report), Exit::Done);
        let odd = CheckReport { warnings: vec![problem()], ..report.clone() };
        let mut page = Page::default();
        render(&odd, &mut page);
        assert!(page.plain().ends_with("; 2 things could be better\n"), "{}", page.plain());
        let mut page = Page::default();
        render(&report, &mut page);
        let expected = r#"The servers
  ok     corp: read tombstones: can
  less   corp: read tombstones: can
         the risk: deletions are seen a cycle later
         to mend it: dsacls "CN=Deleted Objects,..."

ok: the config is right, and the servers answer as they must; 1 thing could be better
"#;
        assert_eq!(page.plain(), expected);
    }

    #[test]
    fn a_command_of_several_lines_can_be_pasted() {
        let remedy = Some("ldapmodify <<END\ndn: cn=config\nEND".to_owned());
        let mut page = Page::default();
        render(&CheckReport::of(vec![], vec![], vec![Probe { remedy, ..probe(false) }]), &mut page);
        let told = page.plain();
        assert!(told.contains("\n         to mend it:\nldapmodify <<END\ndn: cn=config\nEND\n"), "{told}");
    }

    #[test]
    fn a_failed_probe_says_what_is_lost_and_how_to_mend_it() {
        let mut page = Page::default();
        render(&CheckReport::of(vec![problem()], vec![], vec![probe(true), probe(false)]), &mut page);
        let expected = r#"The config
  wrong  seatsync.toml:3: agent.poll = "5x": write a duration such as 5m

The servers
  ok     corp: read tombstones: can
  failed corp: read tombstones: insufficient access
         lost without it: deletions are seen a cycle later
         to mend it: dsacls "CN=Deleted Objects,..."

not ok: 1 problem of the config, 1 probe failed
"#;
        assert_eq!(page.plain(), expected);
    }
}
