//! The parts of a multipart body (RFC 7578, RFC 2046 §5.1), parsed from pieces of any size: each byte is examined a
//! bounded number of times, and the buffer is limited to the maximum length of a head plus a piece.

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt, stream::BoxStream};
use memchr::memmem;

/// Maximum length of the head of a part, and of the preamble before the first part, in bytes.
pub(super) const LONGEST_HEAD: usize = 8 * 1024;
/// Maximum length of a boundary, in bytes (RFC 2046 §5.1.1).
const LONGEST_BOUNDARY: usize = 70;
/// Maximum number of content bytes passed on at once, if that many have arrived.
const PIECE: usize = 64 * 1024;

/// The pieces of a body, as they arrive.
pub(super) type Pieces = BoxStream<'static, Result<Bytes, PartFault>>;

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartFault {
    /// It stalls, or is too slow.
    Silent,
    /// It ends early, or is not multipart.
    Malformed,
    /// More than [`LONGEST_HEAD`] bytes before the first part.
    LongPreamble,
    /// More than [`LONGEST_HEAD`] bytes in the head of a part.
    LongHead,
    /// More bytes than allowed before the files.
    TooLarge,
}

/// The headers of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartHead {
    pub(super) name: Option<String>,
    pub(super) file_name: Option<String>,
    /// Length of the head, in bytes.
    pub(super) length: usize,
}

/// A body that is read part by part.
pub(super) struct Parts {
    pieces: Pieces,
    /// The separator of the parts: a line break, two dashes and the boundary.
    delimiter: memmem::Finder<'static>,
    buffer: BytesMut,
    /// Bytes of the buffer in which the searched text does not begin.
    searched: usize,
    at: ParserState,
    /// Number of bytes that may still be received, while the limit applies.
    budget: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParserState {
    Preamble,
    /// After a delimiter.
    Delimiter,
    Content,
    End,
}

impl Parts {
    /// Reads a body with this boundary; at most `budget` bytes until [`Parts::lift_budget`].
    pub(super) fn new(pieces: Pieces, boundary: &str, budget: u64) -> Self {
        // The first delimiter may be at the very beginning, without a preceding line break.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}");
        Self {
            pieces,
            delimiter: memmem::Finder::new(delimiter.as_bytes()).into_owned(),
            buffer,
            searched: 0,
            at: ParserState::Preamble,
            budget: Some(budget),
        }
    }

    /// Removes the limit on bytes to be received.
    pub(super) fn lift_budget(&mut self) {
        self.budget = None;
    }

    /// Returns the head of the next part; `None` after the last one. Drops the unread content of the current part.
    pub(super) async fn next(&mut self) -> Result<Option<PartHead>, PartFault> {
        match self.at {
            ParserState::Preamble => self.skip_preamble().await?,
            ParserState::Delimiter => {}
            ParserState::Content => while self.chunk().await?.is_some() {},
            ParserState::End => return Ok(None),
        }
        while self.buffer.len() < 2 {
            self.receive().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.at = ParserState::End;
            return Ok(None);
        }
        let length = self.find_head().await?;
        let head = self.buffer.split_to(length);
        self.searched = 0;
        self.at = ParserState::Content;
        read_head(&head).map(Some).ok_or(PartFault::Malformed)
    }

    /// Returns the next bytes of the current part; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, PartFault> {
        if self.at != ParserState::Content {
            return Ok(None);
        }
        loop {
            if let Some(place) = self.delimiter.find(&self.buffer[self.searched..]) {
                let place = std::mem::take(&mut self.searched) + place;
                if place > 0 {
                    return Ok(Some(self.buffer.split_to(place).freeze()));
                }
                self.buffer.advance(self.delimiter.needle().len());
                self.at = ParserState::Delimiter;
                return Ok(None);
            }
            let sure = self.buffer.len() - self.open_end();
            self.searched = sure;
            if sure > 0 && (sure >= PIECE || !self.receive_at_once()?) {
                self.searched = 0;
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            if sure == 0 {
                self.receive().await?;
            }
        }
    }

    /// Drops what follows the last part, up to `most` bytes. Returns whether the body has ended.
    pub(super) async fn finish(&mut self, most: usize) -> bool {
        let mut left = most;
        self.buffer.clear();
        while let Some(Ok(piece)) = self.pieces.next().await {
            match left.checked_sub(piece.len()) {
                Some(less) => left = less,
                None => return false,
            }
        }
        true
    }

    /// Returns how many of the buffer's last bytes may be the beginning of a delimiter.
    fn open_end(&self) -> usize {
        let delimiter = self.delimiter.needle();
        let tail = self.buffer.len().saturating_sub(delimiter.len() - 1);
        let tail = &self.buffer[tail..];
        let starts = memchr::memchr_iter(b'\r', tail);
        let mut ends = starts.map(|start| &tail[start..]);
        ends.find(|end| delimiter.starts_with(end)).map_or(0, <[u8]>::len)
    }

    async fn skip_preamble(&mut self) -> Result<(), PartFault> {
        let mut skipped = 0;
        loop {
            if let Some(place) = self.delimiter.find(&self.buffer) {
                if skipped + place > LONGEST_HEAD {
                    return Err(PartFault::LongPreamble);
                }
                self.buffer.advance(place + self.delimiter.needle().len());
                self.at = ParserState::Delimiter;
                return Ok(());
            }
            let sure = self.buffer.len() - self.open_end();
            self.buffer.advance(sure);
            skipped += sure;
            if skipped > LONGEST_HEAD {
                return Err(PartFault::LongPreamble);
            }
            self.receive().await?;
        }
    }

    /// Returns where the head in the buffer ends. It begins with the rest of the delimiter's line.
    async fn find_head(&mut self) -> Result<usize, PartFault> {
        const END: &[u8] = b"\r\n\r\n";
        self.searched = 0;
        loop {
            let from = self.searched;
            if let Some(place) = memmem::find(&self.buffer[from..], END) {
                let length = Some(from + place + END.len()).filter(|length| *length <= LONGEST_HEAD);
                return length.ok_or(PartFault::LongHead);
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(PartFault::LongHead);
            }
            self.searched = self.buffer.len().saturating_sub(END.len() - 1);
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<(), PartFault> {
        match self.pieces.next().await {
            Some(piece) => self.take(piece),
            None => Err(PartFault::Malformed),
        }
    }

    /// Takes the next piece if it has arrived. Returns whether it had.
    fn receive_at_once(&mut self) -> Result<bool, PartFault> {
        match self.pieces.next().now_or_never() {
            Some(Some(piece)) => self.take(piece).map(|()| true),
            // An early end is reported by the next call that waits for more.
            Some(None) | None => Ok(false),
        }
    }

    fn take(&mut self, piece: Result<Bytes, PartFault>) -> Result<(), PartFault> {
        let piece = piece?;
        if let Some(budget) = &mut self.budget {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            *budget = budget.checked_sub(length).ok_or(PartFault::TooLarge)?;
        }
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }
}

/// Returns the boundary of a content type, if it has a valid one.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let boundary = parameter(content_type, "boundary")?;
    let is_good = (1..=LONGEST_BOUNDARY).contains(&boundary.len())
        && boundary
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"')
        && !boundary.ends_with(' ');
    is_good.then_some(boundary)
}

/// Parses a head's Content-Disposition. `None` for a malformed head.
fn read_head(head: &[u8]) -> Option<PartHead> {
    let length = head.len();
    let text = std::str::from_utf8(head).ok()?;
    // Blanks may follow the delimiter in its line.
    let lines = text.trim_start_matches([' ', '\t']).strip_prefix("\r\n")?;
    let mut read = PartHead {
        length,
        ..PartHead::default()
    };
    for line in lines.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        if name.trim().eq_ignore_ascii_case("content-disposition") {
            read.name = parameter(value, "name").map(unescaped);
            read.file_name = parameter(value, "filename").map(unescaped);
        }
    }
    Some(read)
}

/// Returns a parameter of a header's value, without its quotes.
fn parameter<'a>(value: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        // A parameter without a value may precede this one.
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let end = end_of_quotes(quoted)?;
                let (value, next) = quoted.split_at_checked(end)?;
                (value, next.get(1..).unwrap_or_default())
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (value, next) = after.split_at_checked(end)?;
                (value.trim(), next)
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next.split_once(';')?.1;
    }
}

/// Returns the position of the closing quote, skipping escaped ones.
fn end_of_quotes(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Unescapes a quoted text: some clients put a backslash before a quote; browsers write `%22`, which is kept.
fn unescaped(text: &str) -> String {
    text.replace("\\\"", "\"")
}

#[cfg(test)]
mod tests;
