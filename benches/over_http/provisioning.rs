//! A first cycle: an agent gives everybody an account and a seat in a ledger that knew nobody.

use std::path::Path;
use std::process::Command;

use tokio::runtime::Runtime;

use super::service::{Service, client};
use crate::common::child::{Run, run};
use crate::common::people::BASE;
use crate::support::Agent;

/// The whole of `seatsync sync`, start and end of the process included.
pub fn measure(runtime: &Runtime, ldif: &Path, people: usize) -> Run {
    let service = Service::start(people);
    let agent = Agent::new(&format!(
        "[[directory]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"{}\"\nbase = [\"ou=people,{BASE}\"]\n\n\
         [[pool]]\nname = \"standard\"\n\n\
         [backend]\nkind = \"ledger\"\ncompany = \"acme\"\nurl = \"{}\"\ntoken = {{ file = \"token\" }}\n",
        ldif.display(),
        service.serving.url
    ));
    agent.secret("token", &service.connector());
    let mut sync = Command::new(env!("CARGO_BIN_EXE_seatsync"));
    sync.arg("--config").arg(agent.config_file()).args(["--quiet", "sync"]);
    let measured = run(&mut sync);
    let pool = runtime.block_on(service.pool(&client()));
    assert_eq!(pool, (people as u64, 0), "everybody has a seat");
    measured
}
