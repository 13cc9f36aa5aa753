//! Mails that a gateway sent: taken by a real mail server, or found as files.

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

/// A mail as its reader gets it.
#[derive(Debug)]
pub(crate) struct Mail {
    /// Whom the server was told to answer to; for a file, the sender in the header.
    pub(crate) from: String,
    /// Whom the server was told to deliver to; for a file, the recipient in the header.
    pub(crate) to: String,
    pub(crate) sender_name: Option<String>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// Without its angle brackets.
    pub(crate) message_id: String,
    /// As it came.
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

    /// The first link in the text.
    pub(crate) fn link(&self) -> Url {
        let mut words = self.text.split_whitespace();
        let link = words.find(|word| word.starts_with("http://") || word.starts_with("https://"));
        Url::parse(link.expect("a link")).expect("a URL")
    }

    /// Where the first link in the HTML leads.
    pub(crate) fn html_link(&self) -> Url {
        let (_, link) = self.html.split_once("href=\"").expect("a link");
        let (link, _) = link.split_once('"').expect("the link ends");
        Url::parse(&link.replace("&#38;", "&").replace("&amp;", "&")).expect("a URL")
    }

    /// What the first link hands to its page as `name`: the key or token.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let link = self.link();
        let mut pairs = link.query_pairs();
        let found = pairs.find(|(key, _)| key == name);
        found.expect("the parameter").1.into_owned()
    }
}

/// How a mail server is to behave; what it does to a mail is said by the recipient (see `tests/clients/smtp.mjs`).
#[derive(Clone, Copy, Default)]
pub(crate) struct MailServer {
    /// Offers STARTTLS with a certificate that nobody trusts.
    pub(crate) starttls: bool,
    /// Takes mails only from the user `gateway` with the password `secret`.
    pub(crate) login: bool,
}

/// A mail server with all that it takes.
pub(crate) struct Mailbox {
    port: u16,
    scripts: &'static Scripts,
    server: MailServer,
    running: Option<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl Mailbox {
    /// A server that takes mails. None where Node.js is missing, and the current test is skipped.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(MailServer::default()).await
    }

    /// The same with a server that behaves like this.
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

    /// Where it listens, on the loopback address.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A value for `GATEWAY_SMTP_URL`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Kills the server; mails that were not looked at are lost.
    pub(crate) async fn kill(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            child.kill().await.expect("killed");
        }
    }

    /// Stops the server's process: connections to it come about, and it says nothing.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a paused server go on with all that came meanwhile.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let (child, _) = self.running.as_ref().expect("the server runs");
        let id = child.id().expect("it has not ended");
        let id = Pid::from_raw(i32::try_from(id).expect("an id"));
        kill(id, signal).expect("the signal is taken");
    }

    /// Starts a killed server again, on its port, with other manners.
    pub(crate) async fn start_again_as(&mut self, server: MailServer) {
        self.server = server;
        self.start_again().await;
    }

    /// Starts a killed server again, on its port.
    pub(crate) async fn start_again(&mut self) {
        let MailServer { starttls, login } = self.server;
        let mut arguments = vec![self.port.to_string()];
        arguments.extend(starttls.then(|| "starttls".to_owned()));
        arguments.extend(login.then(|| "login".to_owned()));
        let mut command = tokio::process::Command::from(self.scripts.command("smtp.mjs", &arguments));
        // It ends with its standard input, so that it does not outlive a test that is killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("node starts");
        let output = child.stdout.take().expect("an output");
        self.running = Some((child, BufReader::new(output).lines()));
        let port = self.line().await["port"].as_u64().expect("a port");
        self.port = u16::try_from(port).expect("a port");
    }

    /// The next mail.
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
        let line = line.unwrap_or_else(|_| panic!("the mail server tells nothing within {LIMIT:?}"));
        let line = line.expect("its output").expect("the mail server has not ended");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// The folder that a gateway without a mail server writes its mails to, read in the order of their names.
pub(crate) struct MailFolder {
    path: PathBuf,
    /// Not how many: of two mails of one moment the one that comes first by its name may come last.
    seen: BTreeSet<PathBuf>,
}

impl MailFolder {
    /// The folder in this data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join("mail"),
            seen: BTreeSet::new(),
        }
    }

    /// All mails, the oldest first.
    pub(crate) fn all(&self) -> Vec<Mail> {
        self.files().iter().map(|path| read(path)).collect()
    }

    /// The next mail that this method has not given yet.
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
