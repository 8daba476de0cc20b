//! `[status]`: where the running agent shows how it is doing, and to whom.

use config::{Value, ValueKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::listen;
use super::reader::Reader;
use super::secret;
use crate::model::settings::{StatusAddress, StatusSettings};

/// Where it is shown unless the config says otherwise: this machine alone.
const LISTEN: &str = "127.0.0.1:8750";

/// A token that can be guessed keeps nobody out.
const SHORTEST: usize = 16;

pub fn compile(reader: &Reader) -> StatusSettings {
    if reader.raw("listen").is_some_and(is_off) {
        reader.refuse(&["tls_cert", "tls_key", "token"], "has no meaning where listen = \"off\"");
        return StatusSettings { listen: None, tls: None, token: None };
    }
    let tls = listen::tls(reader);
    let token = reader.has("token").then(|| token(reader));
    let (address, open) = listen::address(reader, LISTEN, tls.is_some());
    if open && token.is_none() {
        let message =
            "others than this machine come there: write token = { file = \"...\" } in [status], or listen on 127.0.0.1";
        reader.problem("listen", message);
    }
    StatusSettings { listen: Some(StatusAddress { address, named: reader.has("listen") }), tls, token }
}

fn is_off(listen: &Value) -> bool {
    matches!(&listen.kind, ValueKind::String(text) if text == "off")
}

fn token(reader: &Reader) -> SecretString {
    let token = secret::required(reader, "token");
    let length = token.expose_secret().len();
    if (1..SHORTEST).contains(&length) {
        let place = reader.place.key("token");
        let message = format!("holds a token that can be guessed; make one of {SHORTEST} characters or more");
        reader.context.problem(&place, None, message);
    }
    token
}
