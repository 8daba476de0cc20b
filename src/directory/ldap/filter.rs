//! Search filters (RFC 4515): the one place where values are put into them.

use std::fmt::Write as _;

/// Every byte as `\xx`: fit for any value, binary ones in stored order.
pub(super) fn bytes(value: &[u8]) -> String {
    let mut escaped = String::with_capacity(value.len() * 3);
    for byte in value {
        // Writing to a String cannot fail.
        let _ = write!(escaped, "\\{byte:02x}");
    }
    escaped
}

/// Text with the four special characters and NUL escaped.
pub(super) fn text(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' | '*' | '(' | ')' | '\0' => {
                let _ = write!(escaped, "\\{:02x}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// All of these filters; an own filter may come without its outer parentheses.
pub(super) fn all<'a>(filters: impl IntoIterator<Item = &'a str>) -> String {
    joined('&', filters)
}

/// Any of these filters.
pub(super) fn any<'a>(filters: impl IntoIterator<Item = &'a str>) -> String {
    joined('|', filters)
}

fn joined<'a>(operator: char, filters: impl IntoIterator<Item = &'a str>) -> String {
    let mut whole = String::from("(");
    whole.push(operator);
    for filter in filters {
        let filter = filter.trim();
        if filter.starts_with('(') {
            whole.push_str(filter);
        } else {
            let _ = write!(whole, "({filter})");
        }
    }
    whole.push(')');
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_stored_order() {
        assert_eq!(bytes(&[0x53, 0xf3, 0x00]), "\\53\\f3\\00");
    }

    #[test]
    fn a_value_cannot_leave_its_place_in_a_filter() {
        assert_eq!(text("a*)(uid=*"), "a\\2a\\29\\28uid=\\2a");
        assert_eq!(text("back\\slash\0é"), "back\\5cslash\\00é");
    }

    #[test]
    fn a_filter_without_parentheses_gets_them() {
        assert_eq!(
            all(["(objectClass=person)", " employeeType=staff "]),
            "(&(objectClass=person)(employeeType=staff))"
        );
        assert_eq!(any(["(a=1)", "(b=2)"]), "(|(a=1)(b=2))");
    }
}
