//! The signature of a webhook message, after the Standard Webhooks specification (version 1, symmetric).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Before a secret in base64.
const PREFIX: &str = "whsec_";

/// The bytes that a secret stands for: base64 after `whsec_`, else its own. None: it is no base64.
#[must_use]
pub fn key(secret: &str) -> Option<Vec<u8>> {
    match secret.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(secret.as_bytes().to_vec()),
    }
}

/// The header `webhook-signature` of a message: `v1,` and base64 of HMAC-SHA256 over `ID.SECONDS.BODY`.
#[must_use]
pub fn signature(key: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    // A key of HMAC may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the reference libraries of the specification are tested with.
    #[test]
    fn the_example_of_the_specification_has_the_signature_that_it_says() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_base64_behind_its_prefix_alone() {
        assert_eq!(key("whsec_AQID"), Some(vec![1, 2, 3]));
        assert_eq!(key("AQID"), Some(b"AQID".to_vec()));
        assert_eq!(key("whsec_no base64"), None);
    }
}
