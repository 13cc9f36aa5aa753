//! Characters that begin no GraphQL token (§2.1), and what their author probably intended. Messages name the kind of
//! character and do not repeat the text.

/// Explains what is wrong with the first character of `rest`, and what to write instead. The text ends the sentence
/// that names the position.
pub(super) fn problem(rest: &str) -> &'static str {
    match rest.chars().next() {
        Some('\'') => {
            "a single quote is not valid in GraphQL. Put strings in double quotes, and names in none"
        }
        Some('`') => "a backtick is not valid in GraphQL. Put strings in double quotes, and names in none",
        Some(character) if is_typographic_quote(character) => {
            "a typographic quotation mark is not valid in GraphQL. Put strings in straight double quotes"
        }
        Some('.') => {
            "a dot is not valid in GraphQL. Spread fragments with three dots, and put fields in braces"
        }
        Some(';') => "GraphQL has no semicolons. Leave it out",
        Some('?') => {
            "GraphQL has no question marks. A type may be null unless an exclamation mark follows it"
        }
        Some('\\') => "a backslash is allowed in strings only. The text was perhaps escaped once too often",
        Some('%') => {
            "a percent sign is allowed in strings only. A value was perhaps not inserted, or the text encoded once too often"
        }
        Some('/') => "a slash is allowed in strings only. Comments begin with a number sign",
        Some(character) if is_blank(character) => {
            "this blank is not valid in GraphQL. Use spaces, tabs and line feeds"
        }
        Some(character) if character.is_control() => "GraphQL has no control characters",
        Some(character) if character.is_alphabetic() => {
            "names contain the letters A to Z and a to z, digits and underscores only"
        }
        _ => "no GraphQL token begins with this character",
    }
}

/// Quotation marks that word processors and chat programs substitute for straight ones.
fn is_typographic_quote(character: char) -> bool {
    matches!(
        character,
        '\u{2018}'..='\u{201f}' | '«' | '»' | '‹' | '›' | '\u{2032}' | '\u{2033}' | '´'
    )
}

/// Blanks that GraphQL does not have, such as no-break spaces; some of them are invisible.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}
