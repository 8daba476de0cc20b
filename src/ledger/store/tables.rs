//! The tables of one transaction, as the ledger asks for them: each call leads to the file that knows the table.

use std::cell::Cell;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    batches, companies, company, events, guard, list, load, mail, queue, read, repair, time_text, tokens, write,
};
use crate::ledger::LedgerError;
use crate::ledger::error::Doing;
use crate::ledger::records::{
    Asked, Connector, Events, Invitation, Listed, Mail, Pool, Records, Replay, Token, Touched, View, Wanted,
};
use crate::ledger::rules::company::{Company, Policy};
use crate::ledger::rules::{Excerpt, Happening};
use crate::model::change::{Answer, BackendState, Batch, Confirmation};
use crate::model::{Account, AccountId, Name};

type Result<T> = std::result::Result<T, LedgerError>;

/// A transaction of the SQLite ledger.
pub(super) struct Tables<'a>(&'a Connection, Cell<Parts>);

/// How far a transaction is shared.
#[derive(Clone, Copy)]
struct Parts {
    /// Parts begun and not ended, one in another.
    open: u32,
    /// A part ended whose changes stay.
    kept: bool,
}

impl Parts {
    /// The part begun last is all there is: no savepoint is needed to undo it, and a savepoint copies each page that is
    /// changed after it.
    const fn is_whole(self) -> bool {
        self.open == 1 && !self.kept
    }
}

impl View for Tables<'_> {
    fn generation(&self) -> Result<i64> {
        let number =
            self.0.prepare_cached("PRAGMA data_version").and_then(|mut sql| sql.query_row([], |row| row.get(0)));
        number.doing(|| "looking for changes".to_owned())
    }

    fn events_told(&self) -> Result<i64> {
        let sql = "SELECT coalesce(sum(last_event), 0) FROM company";
        let number = self.0.prepare_cached(sql).and_then(|mut sql| sql.query_row([], |row| row.get(0)));
        number.doing(|| "counting the events".to_owned())
    }

    fn companies(&self) -> Result<Vec<String>> {
        companies(self.0)
    }

    fn company(&self, company: &str) -> Result<Company> {
        company::company(self.0, company)
    }

    fn pools(&self, company: &str) -> Result<Vec<Pool>> {
        let mut names = super::rows::Names::default();
        let mut terms = read::terms(self.0, company, &mut names)?;
        let counts = read::pools(self.0, company, &mut names)?;
        let pool = |(name, count)| Pool { terms: terms.remove(&name).unwrap_or_default(), count };
        Ok(counts.into_iter().map(pool).collect())
    }

    fn memory(&self, company: &str) -> Result<BackendState> {
        let mut names = super::rows::Names::default();
        let marks = guard::marks(self.0, company, &mut names)?;
        Ok(BackendState { marks, confirmations: guard::confirmations(self.0, company)?, ..BackendState::default() })
    }

    fn count_accounts(&self, company: &str, wanted: &Wanted) -> Result<u64> {
        list::count(self.0, company, wanted)
    }

    fn accounts(&self, company: &str, wanted: &Wanted, after: u64, limit: u32) -> Result<Vec<Listed>> {
        list::page(self.0, company, wanted, after, limit)
    }

    fn account(&self, company: &str, id: &AccountId) -> Result<Option<Listed>> {
        list::one(self.0, company, id)
    }

    fn by_external(&self, company: &str, external: &str) -> Result<Option<AccountId>> {
        list::by_external(self.0, company, external)
    }

    fn waiting_accounts(&self, company: &str) -> Result<Vec<Account>> {
        load::waiting_accounts(self.0, company)
    }

    fn position(&self, company: &str, id: &AccountId, pool: &str) -> Result<Option<u32>> {
        super::rows::number_of(id).map_or(Ok(None), |id| queue::position(self.0, company, id, pool))
    }

    fn policies(&self, company: &str) -> Result<Vec<Policy>> {
        company::policies(self.0, company)
    }

    fn connectors(&self, company: &str) -> Result<Vec<Connector>> {
        company::connectors(self.0, company)
    }

    fn tokens(&self, company: &str) -> Result<Vec<Token>> {
        tokens::of_company(self.0, company)
    }

    fn token(&self, id: &str) -> Result<Option<Token>> {
        tokens::by_id(self.0, id)
    }

    fn events(&self, company: &str, after: u64, limit: u32) -> Result<Events> {
        events::after(self.0, company, after, limit)
    }

    fn answer(&self, company: &str, key: &str) -> Result<Option<Answer>> {
        batches::answer(self.0, company, key)
    }

    fn batch_request(&self, company: &str, key: &str) -> Result<Asked> {
        batches::request(self.0, company, key)
    }

    fn replay(&self, company: &str, key: &str) -> Result<Option<Replay>> {
        mail::replay(self.0, company, key)
    }

    fn mails_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Mail>> {
        mail::due(self.0, now, limit)
    }
}

impl Records for Tables<'_> {
    fn add_company(&self, company: &str) -> Result<()> {
        self.0
            .execute("INSERT INTO company (name) VALUES (?1) ON CONFLICT DO NOTHING", [company])
            .doing(|| "adding the company".to_owned())?;
        Ok(())
    }

    fn delete_company(&self, company: &str) -> Result<()> {
        company::delete(self.0, company)
    }

    fn repair(&self, company: &str) -> Result<bool> {
        let found = repair::find(self.0, company)?;
        if found.is_empty() { Ok(false) } else { repair::make(self.0, company, &found) }
    }

    fn save_company(&self, company: &Company) -> Result<()> {
        company::save(self.0, company)
    }

    fn excerpt(&self, company: &str, touched: &Touched<'_>) -> Result<Excerpt> {
        load::touched(self.0, company, touched)
    }

    fn add_waiting(&self, company: &str, excerpt: &mut Excerpt) -> Result<()> {
        load::waiting(self.0, company, excerpt)
    }

    fn save(&self, company: &str, excerpt: &Excerpt) -> Result<()> {
        write::changes(self.0, company, excerpt)
    }

    fn set_external(&self, company: &str, id: &AccountId, external: &str) -> Result<()> {
        list::set_external(self.0, company, id, external)
    }

    fn set_activity(
        &self,
        company: &str,
        id: &AccountId,
        invitation: Invitation,
        last: Option<Timestamp>,
    ) -> Result<()> {
        list::set_activity(self.0, company, id, invitation, last.map(time_text))
    }

    fn remember_batch(
        &self,
        company: &str,
        batch: &Batch,
        answer: &Answer,
        request: Option<&str>,
        at: Timestamp,
    ) -> Result<()> {
        batches::remember_batch(self.0, company, batch, answer, request, at)
    }

    fn remember_confirmation(&self, company: &str, confirmation: &Confirmation) -> Result<()> {
        guard::remember_confirmation(self.0, company, confirmation)
    }

    fn remember_reply(&self, company: &str, key: &str, replay: &Replay, at: Timestamp) -> Result<()> {
        mail::remember_reply(self.0, company, key, replay, at)
    }

    fn forget_old(&self, company: &str, at: Timestamp) -> Result<()> {
        batches::forget_old(self.0, company, at)
    }

    fn record(&self, company: &str, at: Timestamp, happenings: &[Happening]) -> Result<()> {
        events::record(self.0, company, at, happenings)
    }

    fn put_policy(&self, company: &str, policy: &Policy) -> Result<()> {
        company::put_policy(self.0, company, policy)
    }

    fn delete_policy(&self, company: &str, name: &str) -> Result<()> {
        company::delete_policy(self.0, company, name)
    }

    fn put_connector(&self, company: &str, connector: &Connector) -> Result<()> {
        company::put_connector(self.0, company, connector)
    }

    fn delete_connector(&self, company: &str, name: &str, at: Timestamp) -> Result<()> {
        company::delete_connector(self.0, company, name, at)
    }

    fn put_token(&self, token: &Token) -> Result<()> {
        tokens::put(self.0, token)
    }

    fn delete_token(&self, company: &str, id: &str) -> Result<bool> {
        tokens::delete(self.0, company, id)
    }

    fn queue_mail(&self, company: &str, account: &AccountId, pool: &Name, at: Timestamp) -> Result<()> {
        mail::queue(self.0, company, account, pool, at)
    }

    fn mail_done(&self, mail: &Mail, sent: bool) -> Result<()> {
        mail::done(self.0, mail, sent)
    }

    fn mail_failed(&self, mail: &Mail, next: Timestamp) -> Result<()> {
        mail::failed(self.0, mail, next)
    }

    fn begin_part(&self) -> Result<()> {
        let Parts { open, kept } = self.1.get();
        self.1.set(Parts { open: open + 1, kept });
        if self.1.get().is_whole() { Ok(()) } else { self.run("SAVEPOINT part") }
    }

    fn keep_part(&self) -> Result<()> {
        if !self.1.get().is_whole() {
            self.run("RELEASE part")?;
        }
        self.end_part(true);
        Ok(())
    }

    fn undo_part(&self) -> Result<()> {
        let whole = self.1.get().is_whole();
        let (undo, go_on) = if whole { ("ROLLBACK", "BEGIN IMMEDIATE") } else { ("ROLLBACK TO part", "RELEASE part") };
        self.run(undo)?;
        self.run(go_on)?;
        self.end_part(false);
        Ok(())
    }
}

impl<'a> Tables<'a> {
    pub(super) const fn new(connection: &'a Connection) -> Self {
        Self(connection, Cell::new(Parts { open: 0, kept: false }))
    }

    fn end_part(&self, keep: bool) {
        let Parts { open, kept } = self.1.get();
        self.1.set(Parts { open: open - 1, kept: kept || keep && open == 1 });
    }

    fn run(&self, sql: &str) -> Result<()> {
        let done = self.0.prepare_cached(sql).and_then(|mut sql| sql.execute([]));
        done.map(|_rows| ()).doing(|| "beginning or ending a part of a transaction".to_owned())
    }
}
