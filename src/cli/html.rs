//! A plan as a web page that needs nothing else: no script, no picture, no other file.

use std::fmt::{Display, Write as _};

use super::clean::clean;
use super::parts::{or_none, pool_change, who};
use super::planned::{summary, why};
use super::words::{self, NONE, number};
use crate::model::change::Promotion;
use crate::model::report::{PlanReport, Reach};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Seatsync: plan</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { text-align: start; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8884; }
th { font-weight: 600; }
.held { background: #fc03; }
</style>
</head>
<body>
<h1>What a cycle would do</h1>
"#;

/// The whole page.
#[must_use]
pub fn document(report: &PlanReport, promotion: Promotion) -> String {
    let mut html = HEAD.to_owned();
    element(&mut html, "p", &format!("{}: {}.", words::outcome(report.outcome), summary(report)));
    held(&mut html, report);
    changes(&mut html, report);
    waiting(&mut html, report, promotion);
    pools(&mut html, report);
    html.push_str("</body>\n</html>\n");
    html
}

fn held(html: &mut String, report: &PlanReport) {
    let Some(rows) = &report.held else { return };
    element(html, "h2", "Held back until confirmed; so far nobody has lost anything by it");
    for row in rows {
        element(html, "p", &format!("{}.", row.in_words()));
    }
    if let Some(fingerprint) = &report.fingerprint {
        element(html, "p", &format!("If this is right: seatsync confirm {fingerprint}"));
    }
}

fn changes(html: &mut String, report: &PlanReport) {
    let rows = report.changes.iter().map(|row| {
        let user_name = or_none(row.user_name.as_deref());
        let cells = [
            row.change.as_str().to_owned(),
            who(row.display_name.as_deref(), user_name).to_owned(),
            user_name.to_owned(),
            or_none(row.email.as_deref()).to_owned(),
            pool_change(row.from_pool.as_ref(), row.pool.as_ref()),
            row.position.map_or_else(|| NONE.to_owned(), number),
            why(row),
        ];
        (row.held, cells.to_vec())
    });
    table(html, "Changes", &["Change", "Who", "User name", "Mail", "Pool", "Place", "Why"], rows);
}

fn waiting(html: &mut String, report: &PlanReport, promotion: Promotion) {
    let reach = Reach::of(report.waiting.iter().map(Into::into), &report.pools, promotion);
    let rows = report.waiting.iter().enumerate().map(|(index, row)| {
        let name = who(row.display_name.as_deref(), &row.user_name).to_owned();
        let reason = reach.words(index);
        let cells = vec![row.pool.to_string(), number(row.position), name, row.user_name.clone(), reason];
        (false, cells)
    });
    table(html, "Waiting", &["Pool", "Place", "Who", "User name", "Reason"], rows);
}

fn pools(html: &mut String, report: &PlanReport) {
    let rows = report.pools.iter().map(|pool| {
        let numbers = [pool.seats, pool.held, pool.waiting, pool.free].map(|count| number(count.into()));
        (pool.held > pool.seats, std::iter::once(pool.name.to_string()).chain(numbers).collect())
    });
    table(html, "Pools afterwards", &["Pool", "Seats", "Held", "Waiting", "Free"], rows);
}

/// A table under a title, marked rows in another colour; nothing where there are no rows.
fn table(html: &mut String, title: &str, titles: &[&str], rows: impl Iterator<Item = (bool, Vec<String>)>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    element(html, "h2", title);
    html.push_str("<table>\n<tr>");
    for title in titles {
        cell(html, "th", title);
    }
    html.push_str("</tr>\n");
    for (marked, cells) in rows {
        html.push_str(if marked { "<tr class=\"held\">" } else { "<tr>" });
        for text in &cells {
            cell(html, "td", text);
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
}

fn element(html: &mut String, tag: &str, text: &str) {
    put(html, format_args!("<{tag}>{}</{tag}>\n", escaped(text)));
}

/// `dir="auto"`: a name in another direction does not turn its neighbours around.
fn cell(html: &mut String, tag: &str, text: &str) {
    put(html, format_args!("<{tag} dir=\"auto\">{}</{tag}>", escaped(text)));
}

/// Writing to a String cannot fail.
fn put(html: &mut String, what: impl Display) {
    let _ = write!(html, "{what}");
}

fn escaped(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WaitReason;
    use crate::model::report::{CycleOutcome, WaitingRow};

    #[test]
    fn a_name_is_text_on_the_page_and_never_markup() {
        let waiting = WaitingRow {
            anchor: None,
            user_name: "mallory".to_owned(),
            display_name: Some("<script>alert(\"&\")</script>\u{202e}".to_owned()),
            email: "mallory@x.example".to_owned(),
            pool: "standard".into(),
            position: 1,
            reason: WaitReason::NoSeat,
            since: "2026-01-01T00:00:00Z".parse().unwrap(),
            approved: false,
            passed_over: false,
            stopped: None,
        };
        let report = PlanReport {
            outcome: CycleOutcome::Ok,
            fingerprint: None,
            held: None,
            changes: Vec::new(),
            waiting: vec![waiting],
            pools: Vec::new(),
            quarantined: Vec::new(),
            directories: Vec::new(),
            problems: Vec::new(),
            seconds: 0.1,
        };
        let page = document(&report, Promotion::Manual);
        assert!(!page.contains("<script"));
        let cell = r#"<td dir="auto">&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;\u{202e}</td>"#;
        assert!(page.contains(cell), "{page}");
        assert!(!page.contains("<h2>Changes</h2>") && page.ends_with("</html>\n"));
    }
}
