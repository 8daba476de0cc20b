//! What may stand in a name or a mail address: refused is only what can be nobody's.

use super::Profile;

/// The longest value of a profile, in characters.
pub const LONGEST: usize = 1024;

impl Profile {
    /// The first value that can be nobody's, and what is wrong with it. Names of every script are somebody's, and so are
    /// marks of direction in them: whoever shows a name makes it harmless.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let Self { user_name, email, given_name, family_name, display_name } = self;
        let optional = [("given_name", given_name), ("family_name", family_name), ("display_name", display_name)];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let required = [("user_name", user_name.as_str()), ("email", email.as_str())];
        let blank = required.iter().find(|(_, value)| value.trim().is_empty()).map(|(name, _)| (*name, "is blank"));
        let unfit = |(name, value)| text_fault(value).map(|why| (name, why));
        let address = || email_fault(email).map(|why| ("email", why));
        blank.or_else(|| required.into_iter().chain(optional).find_map(unfit)).or_else(address)
    }
}

fn text_fault(value: &str) -> Option<&'static str> {
    if value.contains(char::is_control) {
        return Some("holds a control character");
    }
    (value.len() > LONGEST && value.chars().count() > LONGEST).then_some("is longer than 1024 characters")
}

/// What is wrong with a mail address. Only what no server could deliver to: the rest is the mail server's business.
#[must_use]
pub fn email_fault(email: &str) -> Option<&'static str> {
    let Some((local, domain)) = email.split_once('@') else { return Some("has no \"@\"") };
    if domain.contains('@') {
        return Some("has more than one \"@\"");
    }
    if local.is_empty() || domain.is_empty() {
        return Some("has nothing on one side of the \"@\"");
    }
    if domain.split('.').any(str::is_empty) {
        return Some("has a domain with an empty part");
    }
    let foreign = |letter: char| letter.is_whitespace() || is_invisible(letter) || "<>()[]\\,;:\"".contains(letter);
    email.contains(foreign).then_some("holds a character no mail address has")
}

/// Marks that nobody sees: two addresses that look alike would be two people.
const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(user_name: &str, email: &str, display_name: &str) -> Profile {
        let display_name = Some(display_name.to_owned());
        Profile { user_name: user_name.to_owned(), email: email.to_owned(), display_name, ..Profile::default() }
    }

    #[test]
    fn what_can_be_nobodys_value_is_a_fault() {
        for (user_name, email, display_name, at) in [
            ("", "a@x.example", "A", "user_name"),
            (" \u{a0} ", "a@x.example", "A", "user_name"),
            ("a\0b", "a@x.example", "A", "user_name"),
            ("a", "\u{2003}", "A", "email"),
            ("a", "a@x@y", "A", "email"),
            ("a", "a@", "A", "email"),
            ("a", "a\u{202e}@x.example", "A", "email"),
            ("a", "a@x.example", "A\u{1b}[2J", "display_name"),
            ("a", "a@x.example", "A\u{85}", "display_name"),
        ] {
            let found = profile(user_name, email, display_name).fault();
            assert_eq!(found.map(|(name, _)| name), Some(at), "{user_name:?} {email:?} {display_name:?}");
        }
        assert!(profile(&"é".repeat(LONGEST + 1), "a@x.example", "A").fault().is_some());
        assert!(profile(&"é".repeat(LONGEST), "a@x.example", "A").fault().is_none());
    }

    #[test]
    fn names_of_all_scripts_and_marks_of_direction_are_somebodys() {
        for name in ["山田 太郎", "שרה כהן", "👩\u{200d}💻 Ada", "نرم\u{200c}افزار", "Zoe\u{308}", "ada\u{202e}nimda"]
        {
            assert_eq!(profile(name, "søren@müller.example", name).fault(), None);
        }
    }
}
