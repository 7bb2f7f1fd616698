//! Reads mails: encoded words (RFC 2047), quoted-printable and base64 (RFC 2045).

/// The subject of a mail.
pub fn subject(mail: &str) -> String {
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let line = unfolded.split("\r\n").find_map(|line| line.strip_prefix("Subject:")).unwrap();
    let mut bytes = Vec::new();
    let mut after_encoded = false;
    for word in line.trim().split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        // Blanks between encoded words are not part of the text.
        let is_joined = after_encoded && encoded.is_some();
        if !bytes.is_empty() && !is_joined {
            bytes.push(b' ');
        }
        after_encoded = encoded.is_some();
        bytes.extend(encoded.map_or_else(|| word.as_bytes().to_vec(), base64));
    }
    String::from_utf8(bytes).unwrap()
}

/// The text of a mail.
pub fn body(mail: &str) -> String {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let encoding = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Transfer-Encoding: ")).unwrap();
    match encoding {
        "7bit" => body.to_owned(),
        "quoted-printable" => String::from_utf8(quoted_printable(body)).unwrap(),
        "base64" => String::from_utf8(base64(body)).unwrap(),
        other => panic!("encoded as {other}"),
    }
}

/// What a text in base64 stands for.
pub fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.chars().filter_map(|c| DIGITS.find(c)) {
        bits = bits << 6 | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        if *first == b'=' {
            let digits = std::str::from_utf8(&others[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    bytes
}
