//! `ledger company`: who is in the ledger, and on which terms.

use super::args::CompanySet;
use super::{done, made};
use crate::app::AppError;
use crate::app::ledger::{LedgerApp, Made, wire};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::page::Page;
use crate::cli::table::Grid;
use crate::cli::words::{self, NONE};

pub fn list(app: &LedgerApp, console: &Console) -> Result<Exit, AppError> {
    console.list(&app.companies()?, "no company yet", true, render)?;
    Ok(Exit::Done)
}

pub fn add(app: &LedgerApp, name: &str, console: &Console) -> Result<Exit, AppError> {
    let Made { it: company, others } = app.add_company(name)?;
    if !console.spares(true) {
        console.answer(&company, |company, page| {
            made("company", &company.name, others.as_deref().unwrap_or_default(), page);
            page.command("buy seats", &format!("ledger pool set standard --seats 50 --company {name}"));
            page.command("let an agent in", &format!("ledger connector add main --company {name}"));
        })?;
    }
    Ok(Exit::Done)
}

pub fn remove(app: &LedgerApp, name: &str, console: &Console) -> Result<Exit, AppError> {
    app.remove_company(name)?;
    done(console, &format!("the ledger has no company {name} any more"))
}

pub fn set(app: &LedgerApp, set: CompanySet, console: &Console) -> Result<Exit, AppError> {
    let CompanySet { name, tier, promotion, approved_domains, any_domain, confirmation_mail, renewal, every } = set;
    let domains =
        if any_domain { Some(None) } else { Some(approved_domains).filter(|list| !list.is_empty()).map(Some) };
    let renewal = renewal.map(|at| Some(wire::Renewal { at, every: every.map(Into::into) }));
    let patch = wire::CompanyPatch {
        promotion: promotion.map(Into::into),
        approved_domains: domains,
        confirmation_mail,
        renewal,
    };
    let company = app.set_company(name.as_deref(), patch, tier.map(Into::into))?;
    if !console.spares(true) {
        console.answer(&company, |company, page| render(std::slice::from_ref(company), page))?;
    }
    Ok(Exit::Done)
}

fn render(companies: &[wire::Company], page: &mut Page) {
    let mut grid = Grid::new(&["COMPANY", "TIER", "PROMOTION", "MAIL DOMAINS", "RENEWAL", "MAILS"]);
    for company in companies {
        let domains = company.approved_domains.as_ref().map_or_else(|| "any".to_owned(), |list| list.join(", "));
        let renewal = company.renewal.map_or_else(
            || NONE.to_owned(),
            |renewal| {
                let every = match renewal.every {
                    Some(wire::Every::Month) => ", every month",
                    Some(wire::Every::Year) => ", every year",
                    None => "",
                };
                format!("{}{every}", words::time(renewal.at))
            },
        );
        let tier = match company.tier {
            wire::Tier::Standard => "standard",
            wire::Tier::Advanced => "advanced",
        };
        let promotion = match company.promotion {
            wire::Promotion::Manual => "manual",
            wire::Promotion::Automatic => "automatic",
        };
        let mails = if company.confirmation_mail { "yes" } else { "no" };
        grid.row([company.name.as_str(), tier, promotion, &domains, &renewal, mails]);
    }
    page.table(grid);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_one_row() {
        let company = wire::Company {
            name: "acme".to_owned(),
            tier: wire::Tier::Advanced,
            promotion: wire::Promotion::Manual,
            approved_domains: Some(vec!["a.example".to_owned(), "b.example".to_owned()]),
            confirmation_mail: true,
            renewal: Some(wire::Renewal {
                at: "2027-01-01T00:00:00Z".parse().unwrap(),
                every: Some(wire::Every::Year),
            }),
            version: 1,
            etag: String::new(),
        };
        let mut page = Page::default();
        render(&[company], &mut page);
        let expected = "\
COMPANY  TIER      PROMOTION  MAIL DOMAINS          RENEWAL                              MAILS
acme     advanced  manual     a.example, b.example  2027-01-01 00:00:00 UTC, every year  yes
";
        assert_eq!(page.plain(), expected);
    }
}
