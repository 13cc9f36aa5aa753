//! Mails that a gateway sent: received by a real mail server, or read from files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use mail_parser::MessageParser;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;
use url::Url;

use super::{LIMIT, Scripts};

/// A mail as its recipient gets it.
#[derive(Debug)]
pub(crate) struct Mail {
    /// Sender in the envelope; for a file, the sender in the header.
    pub(crate) from: String,
    /// Recipient in the envelope; for a file, the recipient in the header.
    pub(crate) to: String,
    pub(crate) sender_name: Option<String>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// Message id without angle brackets.
    pub(crate) message_id: String,
    /// The source, unchanged.
    pub(crate) source: String,
}

impl Mail {
    fn parse(source: &str) -> Self {
        let mail = MessageParser::default().parse(source).expect("a mail");
        let address = |of: Option<&mail_parser::Address<'_>>| {
            let first = of.and_then(|list| list.first()).expect("an address");
            first.address().expect("an address").to_owned()
        };
        let body = |text: Option<std::borrow::Cow<'_, str>>| text.expect("a part").replace("\r\n", "\n");
        Self {
            from: address(mail.from()),
            to: address(mail.to()),
            sender_name: mail
                .from()
                .and_then(|from| from.first()?.name())
                .map(str::to_owned),
            subject: mail.subject().expect("a subject").to_owned(),
            text: body(mail.body_text(0)),
            html: body(mail.body_html(0)),
            message_id: mail.message_id().expect("an id").to_owned(),
            source: source.to_owned(),
        }
    }

    /// Returns the first link in the text.
    pub(crate) fn link(&self) -> Url {
        let mut words = self.text.split_whitespace();
        let link = words.find(|word| word.starts_with("http://") || word.starts_with("https://"));
        Url::parse(link.expect("a link")).expect("a URL")
    }

    /// Returns the target of the first link in the HTML.
    pub(crate) fn html_link(&self) -> Url {
        let (_, link) = self.html.split_once("href=\"").expect("a link");
        let (link, _) = link.split_once('"').expect("the link ends");
        Url::parse(&link.replace("&#38;", "&").replace("&amp;", "&")).expect("a URL")
    }

    /// Returns the parameter `name` of the first link: the key or token.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let link = self.link();
        let mut pairs = link.query_pairs();
        let found = pairs.find(|(key, _)| key == name);
        found.expect("the parameter").1.into_owned()
    }
}

/// Behaviour of a mail server; the recipient's address determines how it treats a mail (see `tests/clients/smtp.mjs`).
#[derive(Clone, Copy, Default)]
pub(crate) struct MailServer {
    /// Offers STARTTLS with an untrusted certificate.
    pub(crate) starttls: bool,
    /// Accepts mails only from the user `gateway` with the password `secret`.
    pub(crate) login: bool,
}

/// A mail server with the mails that it receives.
pub(crate) struct Mailbox {
    port: u16,
    scripts: &'static Scripts,
    server: MailServer,
    running: Option<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl Mailbox {
    /// Starts a server that accepts mails. Returns `None` if Node.js is missing; the current test is then skipped.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(MailServer::default()).await
    }

    /// Starts a server with this behaviour, otherwise like [`Mailbox::start`].
    pub(crate) async fn with(server: MailServer) -> Option<Self> {
        let mut mailbox = Self {
            port: 0,
            scripts: Scripts::ready().await?,
            server,
            running: None,
        };
        mailbox.start_again().await;
        Some(mailbox)
    }

    /// Returns its port on the loopback address.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns a value for `GATEWAY_SMTP_URL`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Kills the server; mails that were not read are lost.
    pub(crate) async fn kill(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            child.kill().await.expect("killed");
        }
    }

    /// Suspends the server's process: connections to it are established, but it does not respond.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Resumes a suspended server, which handles everything that arrived in the meantime.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let (child, _) = self.running.as_ref().expect("the server runs");
        let id = child.id().expect("it has not ended");
        let id = Pid::from_raw(i32::try_from(id).expect("an id"));
        kill(id, signal).expect("the signal is taken");
    }

    /// Restarts a killed server on the same port with another behaviour.
    pub(crate) async fn start_again_as(&mut self, server: MailServer) {
        self.server = server;
        self.start_again().await;
    }

    /// Restarts a killed server on the same port.
    pub(crate) async fn start_again(&mut self) {
        let MailServer { starttls, login } = self.server;
        let mut arguments = vec![self.port.to_string()];
        arguments.extend(starttls.then(|| "starttls".to_owned()));
        arguments.extend(login.then(|| "login".to_owned()));
        let mut command = tokio::process::Command::from(self.scripts.command("smtp.mjs", &arguments));
        // It ends when its standard input closes, so that it does not outlive a killed test.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("node starts");
        let output = child.stdout.take().expect("an output");
        self.running = Some((child, BufReader::new(output).lines()));
        let port = self.line().await["port"].as_u64().expect("a port");
        self.port = u16::try_from(port).expect("a port");
    }

    /// Waits for the next mail and returns it.
    pub(crate) async fn next(&mut self) -> Mail {
        let taken = self.line().await;
        let string = |value: &Value| value.as_str().expect("a text").to_owned();
        Mail {
            from: string(&taken["from"]),
            to: string(&taken["to"][0]),
            ..Mail::parse(&string(&taken["data"]))
        }
    }

    async fn line(&mut self) -> Value {
        let (_, lines) = self.running.as_mut().expect("the server runs");
        let line = timeout(LIMIT, lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("no output of the mail server within {LIMIT:?}"));
        let line = line.expect("its output").expect("the mail server has not ended");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// The folder that a gateway without a mail server writes its mails to, read in the order of their names.
pub(crate) struct MailFolder {
    path: PathBuf,
    /// Not a count: of two mails written at the same time, the one whose name sorts first may be written last.
    seen: BTreeSet<PathBuf>,
}

impl MailFolder {
    /// Returns the folder in this data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join("mail"),
            seen: BTreeSet::new(),
        }
    }

    /// Returns all mails, the oldest first.
    pub(crate) fn all(&self) -> Vec<Mail> {
        self.files().iter().map(|path| read(path)).collect()
    }

    /// Returns the next mail that this method has not returned yet.
    pub(crate) async fn next(&mut self) -> Mail {
        let unseen = || self.files().into_iter().find(|path| !self.seen.contains(path));
        super::eventually("a mail is written", || async { unseen().is_some() }).await;
        let path = unseen().expect("it stays");
        let mail = read(&path);
        self.seen.insert(path);
        mail
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files
    }
}

fn read(path: &Path) -> Mail {
    Mail::parse(&std::fs::read_to_string(path).expect("a mail"))
}
