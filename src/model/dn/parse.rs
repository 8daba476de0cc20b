//! The grammar of RFC 4514, read straight into the normalised key.
//!
//! The key: attribute types by their usual short names; values unescaped, in lower case letter by letter,
//! without insignificant spaces; multi-valued RDNs sorted. What would be ambiguous in it is
//! written as a backslash and two hex digits, always the same way.

/// Attribute types with more than one name: OID, long name, the name we use (RFC 4519, RFC 4524, PKCS #9).
const TYPES: [(&str, &str, &str); 12] = [
    ("2.5.4.3", "commonname", "cn"),
    ("2.5.4.4", "surname", "sn"),
    ("2.5.4.5", "serialnumber", "serialnumber"),
    ("2.5.4.6", "countryname", "c"),
    ("2.5.4.7", "localityname", "l"),
    ("2.5.4.8", "stateorprovincename", "st"),
    ("2.5.4.9", "streetaddress", "street"),
    ("2.5.4.10", "organizationname", "o"),
    ("2.5.4.11", "organizationalunitname", "ou"),
    ("0.9.2342.19200300.100.1.1", "userid", "uid"),
    ("0.9.2342.19200300.100.1.25", "domaincomponent", "dc"),
    ("1.2.840.113549.1.9.1", "emailaddress", "e"),
];

/// The normalised key of a DN.
pub(super) fn key(text: &str) -> Result<String, String> {
    let mut reader = Reader { text, at: 0 };
    let mut key = String::with_capacity(text.len());
    reader.skip_spaces();
    while reader.at < text.len() || !key.is_empty() {
        reader.rdn(&mut key)?;
        if !reader.take(b',') {
            break;
        }
        key.push(',');
    }
    Ok(key)
}

/// Where the first RDN of a valid DN ends; None where it is the only one.
pub(super) fn first_comma(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' if quoted || opens_value(&text[..at]) => quoted = !quoted,
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// A quote after this text is the first thing of a value.
fn opens_value(before: &str) -> bool {
    let before = before.trim_end_matches(' ');
    before.ends_with('=') && !before[..before.len() - 1].rsplit([',', '+']).next().unwrap_or("").contains('=')
}

/// What is left of the text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let here = self.peek() == Some(wanted);
        self.at += usize::from(here);
        here
    }

    fn skip_spaces(&mut self) {
        while self.take(b' ') {}
    }

    /// One RDN, its parts sorted.
    fn rdn(&mut self, key: &mut String) -> Result<(), String> {
        let start = key.len();
        self.pair(key)?;
        if self.peek() != Some(b'+') {
            return Ok(());
        }
        let mut pairs = vec![key.split_off(start)];
        while self.take(b'+') {
            let mut pair = String::new();
            self.pair(&mut pair)?;
            pairs.push(pair);
        }
        pairs.sort_unstable();
        key.push_str(&pairs.join("+"));
        Ok(())
    }

    /// One `type=value`.
    fn pair(&mut self, key: &mut String) -> Result<(), String> {
        self.skip_spaces();
        let end = self.rest().bytes().position(|byte| matches!(byte, b'=' | b',' | b'+')).unwrap_or(self.rest().len());
        let name = self.rest()[..end].trim_end_matches(' ');
        self.at += end;
        if !self.take(b'=') {
            return Err(format!("the part {name:?} has no \"=\""));
        }
        push_type(name, key)?;
        key.push('=');
        self.skip_spaces();
        match self.peek() {
            Some(b'#') => self.hex_value(key)?,
            Some(b'"') => self.quoted_value(key)?,
            _ => return self.plain_value(key),
        }
        self.skip_spaces();
        match self.peek() {
            None | Some(b',' | b'+') => Ok(()),
            Some(_) => Err(format!("a value of {name} goes on after its end")),
        }
    }

    /// A value as it usually stands: up to the next bare `,` or `+`.
    fn plain_value(&mut self, key: &mut String) -> Result<(), String> {
        let rest = self.rest();
        let stop = rest.bytes().position(|byte| matches!(byte, b',' | b'+' | b'\\' | b';' | b'\0' | 0x80..));
        let end = stop.unwrap_or(rest.len());
        if matches!(rest.as_bytes().get(end), None | Some(b',' | b'+')) {
            self.at += end;
            push_ascii(&rest[..end], key);
            return Ok(());
        }
        let mut value = Vec::with_capacity(rest.len());
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b'+' => break,
                b';' => return Err("a bare \";\" stands in a value; write \"\\;\"".to_owned()),
                b'\\' => value.push(self.escaped()?),
                _ => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
        push_bytes(&value, key);
        Ok(())
    }

    /// A value in quotes (RFC 2253 section 4: still to be read, no longer to be written).
    fn quoted_value(&mut self, key: &mut String) -> Result<(), String> {
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.peek().ok_or("a quoted value has no end")? {
                b'"' => break,
                b'\\' => value.push(self.escaped()?),
                byte => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        push_bytes(&value, key);
        Ok(())
    }

    /// A backslash and what it stands for: two hex digits, or one special character.
    fn escaped(&mut self) -> Result<u8, String> {
        let after = &self.text.as_bytes()[self.at + 1..];
        if let [high, low, ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            self.at += 3;
            return Ok(high << 4 | low);
        }
        match after.first() {
            Some(byte @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\')) => {
                self.at += 2;
                Ok(*byte)
            }
            Some(_) => Err("a backslash stands before something that needs none".to_owned()),
            None => Err("a backslash stands at the end".to_owned()),
        }
    }

    /// A value as `#` and the hex digits of its BER encoding. Strings are what they say; the rest stays hex.
    fn hex_value(&mut self, key: &mut String) -> Result<(), String> {
        self.at += 1;
        let mut bytes = Vec::new();
        while let Some(high) = self.peek().and_then(hex) {
            let low = self.text.as_bytes().get(self.at + 1).copied().and_then(hex);
            bytes.push(high << 4 | low.ok_or("a \"#\" value has an odd number of hex digits")?);
            self.at += 2;
        }
        if bytes.is_empty() {
            return Err("a \"#\" value has no hex digits".to_owned());
        }
        if let Some(text) = ber_string(&bytes) {
            push_bytes(text, key);
            return Ok(());
        }
        key.push('#');
        for byte in bytes {
            push_hex(byte, key);
        }
        Ok(())
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn push_hex(byte: u8, key: &mut String) {
    key.extend([byte >> 4, byte & 15].iter().filter_map(|half| char::from_digit(u32::from(*half), 16)));
}

/// The content of a BER string (X.690 section 8): octets, UTF-8, printable or IA5.
fn ber_string(bytes: &[u8]) -> Option<&[u8]> {
    let [0x04 | 0x0c | 0x13 | 0x16, length, content @ ..] = bytes else { return None };
    let (length, content) = match length {
        0x81 => (usize::from(*content.first()?), &content[1..]),
        0x82 => (usize::from(*content.first()?) << 8 | usize::from(*content.get(1)?), &content[2..]),
        short => (usize::from(*short), content),
    };
    (content.len() == length && std::str::from_utf8(content).is_ok()).then_some(content)
}

/// An attribute type by the name we use: a descriptor or a dotted OID (RFC 4512 section 1.4).
fn push_type(name: &str, key: &mut String) -> Result<(), String> {
    let odd = |byte: u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b';'));
    if name.is_empty() || name.bytes().any(odd) {
        return Err(format!("{name:?} is not an attribute type"));
    }
    let start = key.len();
    key.push_str(name);
    key[start..].make_ascii_lowercase();
    if key[start..].starts_with("oid.") {
        key.drain(start..start + "oid.".len());
    }
    let known = TYPES.iter().find(|(oid, long, _)| key[start..] == **oid || key[start..] == **long);
    if let Some((_, _, short)) = known {
        key.replace_range(start.., short);
    }
    Ok(())
}

/// A value without anything that needs care: folded, spaces tidied.
fn push_ascii(value: &str, key: &mut String) {
    let mut pending = false;
    let start = key.len();
    for byte in value.bytes() {
        if byte == b' ' {
            pending = key.len() > start;
            continue;
        }
        if std::mem::take(&mut pending) {
            key.push(' ');
        }
        key.push(char::from(byte.to_ascii_lowercase()));
    }
}

/// Any value: text is folded, what is no text is written as hex.
fn push_bytes(value: &[u8], key: &mut String) {
    let mut pending = false;
    let start = key.len();
    for chunk in value.utf8_chunks() {
        for letter in folded(chunk.valid()).chars() {
            if letter == ' ' {
                pending = key.len() > start;
                continue;
            }
            if std::mem::take(&mut pending) {
                key.push(' ');
            }
            push_letter(letter, key.len() == start, key);
        }
        for byte in chunk.invalid() {
            if std::mem::take(&mut pending) {
                key.push(' ');
            }
            key.push('\\');
            push_hex(*byte, key);
        }
    }
}

/// A letter of a value; written as hex where it would be read as part of the DN's own grammar.
fn push_letter(letter: char, first: bool, key: &mut String) {
    match letter {
        '\0' => key.push_str("\\00"),
        ',' => key.push_str("\\2c"),
        '+' => key.push_str("\\2b"),
        ';' => key.push_str("\\3b"),
        '\\' => key.push_str("\\5c"),
        '"' if first => key.push_str("\\22"),
        '#' if first => key.push_str("\\23"),
        _ => key.push(letter),
    }
}

/// Folded letter by letter, and no further than servers do: OpenLDAP and Samba keep `straße` and `STRASSE`, or a letter
/// with its accent composed and one without, as two entries. Taking two for one would lose somebody.
fn folded(text: &str) -> String {
    let fold = |letter: char| {
        let mut lower = letter.to_lowercase();
        match (lower.next(), lower.next()) {
            // The sigma at the end of a word is the same letter.
            (Some('ς'), None) => 'σ',
            (Some(lower), None) => lower,
            _ => letter,
        }
    };
    text.chars().map(fold).collect()
}
