//! Mail domains, compared as DNS does: by their A-labels (RFC 5891), so that no two spellings of one differ and no two
//! domains are the same. Case folding is not enough: it makes `ss` of `ß`, and that is another domain.

/// The domain in the form that is compared: lower case, in A-labels, without the dot of the root at its end. None: it is no
/// mail domain.
#[must_use]
pub fn canonical(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = idna::domain_to_ascii(domain).ok()?;
    let label =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    ascii.split('.').all(label).then_some(ascii)
}

/// Whether a mail address is of one of these domains, which are canonical.
#[must_use]
pub fn is_one_of(domains: &[String], email: &str) -> bool {
    let Some((_, domain)) = email.rsplit_once('@') else { return false };
    canonical(domain).is_some_and(|domain| domains.contains(&domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_domain_has_one_form_and_two_have_two() {
        for (written, form) in [
            ("Corp.Example", Some("corp.example")),
            ("corp.example.", Some("corp.example")),
            ("stra\u{df}e.example", Some("xn--strae-oqa.example")),
            ("strasse.example", Some("strasse.example")),
            ("M\u{dc}LLER.example", Some("xn--mller-kva.example")),
            ("mu\u{308}ller.example", Some("xn--mller-kva.example")),
            ("XN--MLLER-KVA.example", Some("xn--mller-kva.example")),
            ("m\u{fc}ller\u{3002}example", Some("xn--mller-kva.example")),
            ("a_b.example", Some("a_b.example")),
            ("", None),
            (".", None),
            ("a..example", None),
            ("corp.example..", None),
            ("*.example", None),
            ("a@b.example", None),
            ("a b.example", None),
            ("xn--a.example", None),
        ] {
            assert_eq!(canonical(written).as_deref(), form, "{written:?}");
        }
    }

    #[test]
    fn the_domain_of_an_address_stands_after_its_last_at() {
        let domains = ["xn--strae-oqa.example".to_owned()];
        assert!(is_one_of(&domains, "\"a@b\"@STRA\u{1e9e}E.example."));
        for other in ["a@strasse.example", "a@x.stra\u{df}e.example", "stra\u{df}e.example", "a@", ""] {
            assert!(!is_one_of(&domains, other), "{other:?}");
        }
    }
}
