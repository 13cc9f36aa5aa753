//! The mailer with a real mail server, and with files.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use storefront_gateway::config::{Config, MailConfig};
use storefront_gateway::platform::clock::{Clock, Timestamp};
use storefront_gateway::platform::mail::{Mailer, Message, Reason, SendFailure, SmtpLimits, SmtpStep};
use storefront_gateway::platform::secret::Secret;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::kit::{LIMIT, MailFolder, MailServer, Mailbox, Setup};

/// Settings from these variables.
fn settings(vars: &[(&str, &str)]) -> MailConfig {
    let from = ("GATEWAY_MAIL_FROM", "no-reply@prints.example");
    let vars = [from].into_iter().chain(vars.iter().copied());
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::from_vars(vars).expect("good settings").mail
}

/// A mailer for this server.
fn mailer(url: &str) -> Mailer {
    let nowhere = std::path::Path::new("no-data-directory-is-needed");
    Mailer::new(&settings(&[("GATEWAY_SMTP_URL", url)]), nowhere, Clock::system()).expect("a mailer")
}

fn message(to: &str, id: &str) -> Message {
    Message {
        to: Secret::from(to),
        sender_name: Some("Prints & Co".to_owned()),
        subject: "Grüße von Prints".to_owned(),
        text: Secret::from("Größe: 1\n.\n..\nhttps://prints.example/account/reset?key=a%26b"),
        html: Secret::from("<p>Größe: 1</p>"),
        message_id: id.to_owned(),
        concerns: "cus_1".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_arrives_complete() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let mailer = mailer(&mailbox.url());
    mailer.probe().await.expect("the server answers");
    mailer
        .send(message("ann@bücher.example", "job_1"))
        .await
        .expect("taken");
    let mail = mailbox.next().await;
    assert_eq!(mail.from, "no-reply@prints.example");
    // The domain is sent in ASCII, in the envelope as in the header; the server displays it in Unicode.
    assert_eq!(mail.to, "ann@bücher.example");
    assert!(
        mail.source.contains("\r\nTo: ann@xn--bcher-kva.example\r\n"),
        "{}",
        mail.source
    );
    assert_eq!(mail.sender_name.as_deref(), Some("Prints & Co"));
    assert_eq!(mail.subject, "Grüße von Prints");
    let text = "Größe: 1\n.\n..\nhttps://prints.example/account/reset?key=a%26b";
    assert_eq!(mail.text.trim_end(), text);
    assert_eq!(mail.html.trim_end(), "<p>Größe: 1</p>");
    assert_eq!(mail.message_id, "job_1@prints.example");
    assert_eq!(mail.parameter("key"), "a&b");
    assert!(
        mail.source.contains("\r\nAuto-Submitted: auto-generated\r\n"),
        "{}",
        mail.source
    );

    // A mail that is sent again has the same Message-ID, so that a receiver can recognise the duplicate.
    mailer
        .send(message("ann@example.com", "job_1"))
        .await
        .expect("taken");
    assert_eq!(mailbox.next().await.message_id, mail.message_id);

    mailer
        .send(message("änn@example.com", "job_2"))
        .await
        .expect("taken");
    assert_eq!(mailbox.next().await.to, "änn@example.com");
}

#[tokio::test]
async fn refusals_are_distinguished_without_the_address() {
    let Some(mailbox) = Mailbox::start().await else {
        return;
    };
    let mailer = mailer(&mailbox.url());
    for (to, failure) in [
        (
            "refused",
            SendFailure::Permanent(Reason::Refused(SmtpStep::Recipient, 550)),
        ),
        (
            "later",
            SendFailure::Temporary(Reason::Refused(SmtpStep::Recipient, 451)),
        ),
        (
            "spam",
            SendFailure::Permanent(Reason::Refused(SmtpStep::Content, 554)),
        ),
    ] {
        let failed = mailer.send(message(&format!("{to}@example.com"), "job_1")).await;
        let failed = failed.expect_err(to);
        assert_eq!(failed, failure);
        let reported = format!("{failed} {failed:?}");
        assert!(
            !reported.contains("example.com") && !reported.contains("reset"),
            "{reported}"
        );
    }
    let failed = mailer.send(message("no address", "job_1")).await;
    assert_eq!(failed, Err(SendFailure::Permanent(Reason::Address)));
}

#[tokio::test]
async fn a_failure_that_the_operator_can_fix_is_retried() {
    let server = MailServer {
        login: true,
        starttls: false,
    };
    let Some(mut mailbox) = Mailbox::with(server).await else {
        return;
    };
    let port = mailbox.port();
    let known = mailer(&format!("smtp://gateway:secret@127.0.0.1:{port}"));
    known.probe().await.expect("accepted");
    known
        .send(message("ann@example.com", "job_1"))
        .await
        .expect("taken");
    assert_eq!(mailbox.next().await.to, "ann@example.com");

    for (login, reason) in [
        ("gateway:wrong@", Reason::Refused(SmtpStep::SignIn, 535)),
        ("", Reason::Refused(SmtpStep::Sender, 530)),
    ] {
        let unknown = mailer(&format!("smtp://{login}127.0.0.1:{port}"));
        let failed = unknown.send(message("ann@example.com", "job_1")).await;
        assert_eq!(failed, Err(SendFailure::Temporary(reason)));
    }
}

#[tokio::test]
async fn a_refused_sender_is_a_temporary_failure() {
    let Some(mailbox) = Mailbox::start().await else {
        return;
    };
    let url = mailbox.url();
    let vars = [
        ("GATEWAY_SMTP_URL", url.as_str()),
        ("GATEWAY_MAIL_FROM", "refused@prints.example"),
    ];
    let mailer = Mailer::new(&settings(&vars), std::path::Path::new("-"), Clock::system()).expect("a mailer");
    let failed = mailer.send(message("ann@example.com", "job_1")).await;
    assert_eq!(
        failed,
        Err(SendFailure::Temporary(Reason::Refused(SmtpStep::Sender, 550)))
    );
}

#[tokio::test]
async fn required_encryption_is_never_skipped() {
    let server = MailServer {
        login: false,
        starttls: true,
    };
    let Some(strange) = Mailbox::with(server).await else {
        return;
    };
    // The certificate is not trusted; falling back to an unencrypted connection would help an attacker in between.
    let failed = mailer(&strange.url())
        .send(message("ann@example.com", "job_1"))
        .await;
    assert_eq!(failed, Err(SendFailure::Temporary(Reason::Tls)));

    let Some(plain) = Mailbox::start().await else {
        return;
    };
    let required = mailer(&format!("{}?tls=required", plain.url()));
    let failed = required.send(message("ann@example.com", "job_1")).await;
    assert_eq!(failed, Err(SendFailure::Temporary(Reason::NoTls)));
    let why = required.probe().await.expect_err("it offers no encryption");
    assert!(why.to_string().contains("STARTTLS"), "{why}");
}

/// A mail server without STARTTLS, as behind an attacker who strips it, with all lines that clients send.
struct Stripped {
    port: u16,
    received_lines: Arc<Mutex<Vec<String>>>,
}

impl Stripped {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let received_lines = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&received_lines);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accept_commands(stream, Arc::clone(&all)));
            }
        });
        Self { port, received_lines }
    }

    fn received_lines(&self) -> Vec<String> {
        self.received_lines.lock().expect("no panic").clone()
    }
}

/// Accepts every command.
async fn accept_commands(stream: TcpStream, received_lines: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        received_lines
            .lock()
            .expect("no panic")
            .push(line.trim().to_owned());
        let answer: &[u8] = if line.starts_with("EHLO") {
            b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n"
        } else {
            b"250 2.0.0 OK\r\n"
        };
        stream.write_all(answer).await?;
        line.clear();
    }
    Ok(())
}

// DEF-09. The address refers to this machine, but is not a loopback address, to which plain text is allowed.
#[tokio::test]
async fn the_login_is_never_sent_without_starttls() {
    let stripped = Stripped::start().await;
    for parameters in ["", "?tls=opportunistic", "?tls=required"] {
        let url = format!("smtp://gateway:secret@0.0.0.0:{}{parameters}", stripped.port);
        let mailer = mailer(&url);
        let failed = mailer.send(message("ann@example.com", "job_1")).await;
        assert_eq!(failed, Err(SendFailure::Temporary(Reason::NoTls)), "{parameters}");
        let why = mailer
            .probe()
            .await
            .expect_err("it offers no encryption")
            .to_string();
        assert!(why.contains("STARTTLS") && why.contains("tls=none"), "{why}");
        assert!(!why.contains("secret"), "{why}");
    }
    let received_lines = stripped.received_lines();
    let harmless = |line: &String| line.starts_with("EHLO ") || line == "QUIT";
    assert!(
        !received_lines.is_empty() && received_lines.iter().all(harmless),
        "{received_lines:?}"
    );

    // The operator declares that the connection is safe.
    let reported = mailer(&format!(
        "smtp://gateway:secret@0.0.0.0:{}?tls=none",
        stripped.port
    ));
    reported.probe().await.expect("accepted");
    let signed_in = |line: &String| line.starts_with("AUTH PLAIN ");
    assert!(
        stripped.received_lines().iter().any(signed_in),
        "{:?}",
        stripped.received_lines()
    );
}

// DEF-09
#[tokio::test]
async fn a_mail_without_a_login_is_sent_to_a_server_without_starttls() {
    let stripped = Stripped::start().await;
    let mailer = mailer(&format!("smtp://0.0.0.0:{}", stripped.port));
    mailer.probe().await.expect("it answers");
    let received_lines = stripped.received_lines();
    assert!(
        !received_lines.iter().any(|line| line.starts_with("AUTH")),
        "{received_lines:?}"
    );
}

#[tokio::test]
async fn a_hanging_server_times_out_and_blocks_no_other_mail() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let patient = Arc::new(mailer(&mailbox.url()));
    let hanging = tokio::spawn({
        let patient = Arc::clone(&patient);
        async move { patient.send(message("hang@example.com", "job_1")).await }
    });
    patient
        .send(message("ann@example.com", "job_2"))
        .await
        .expect("taken");
    assert_eq!(mailbox.next().await.to, "ann@example.com");
    assert!(!hanging.is_finished(), "the server hangs");
    hanging.abort();

    for limits in [
        SmtpLimits {
            command: Duration::from_millis(500),
            ..SmtpLimits::default()
        },
        SmtpLimits {
            mail: Duration::from_millis(500),
            ..SmtpLimits::default()
        },
    ] {
        let hasty = mailer(&mailbox.url()).with_limits(limits);
        let failed = tokio::time::timeout(LIMIT, hasty.send(message("hang@example.com", "job_1"))).await;
        let failed = failed.expect("it is given up").expect_err("it was not taken");
        // On a slow machine an earlier step may be the one that times out.
        assert!(
            matches!(failed, SendFailure::Temporary(Reason::Silent(_))),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn the_next_mail_is_sent_when_the_server_recovers() {
    let Some(mut mailbox) = Mailbox::start().await else {
        return;
    };
    let mailer = mailer(&mailbox.url());
    mailer
        .send(message("ann@example.com", "job_1"))
        .await
        .expect("taken");
    assert_eq!(mailbox.next().await.message_id, "job_1@prints.example");
    mailbox.kill().await;
    let failed = mailer.send(message("ann@example.com", "job_2")).await;
    let refused = Reason::Network(SmtpStep::Connect, std::io::ErrorKind::ConnectionRefused);
    assert_eq!(failed, Err(SendFailure::Temporary(refused)));
    mailbox.start_again().await;
    mailer
        .send(message("ann@example.com", "job_2"))
        .await
        .expect("taken");
    assert_eq!(mailbox.next().await.message_id, "job_2@prints.example");
}

#[tokio::test]
async fn without_a_server_mails_are_written_as_files_in_order() {
    let data = TempDir::new().expect("a folder");
    let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
    let mailer = Mailer::new(&settings(&[]), data.path(), clock.clone()).expect("a mailer");
    mailer.probe().await.expect("the folder can be written to");
    let mut folder = MailFolder::of(data.path());
    assert!(folder.all().is_empty());
    // Sorted by id, the later mail would come first.
    mailer
        .send(message("ann@example.com", "job_2"))
        .await
        .expect("written");
    clock.advance(Duration::from_millis(1));
    mailer
        .send(message("bob@example.com", "job_1"))
        .await
        .expect("written");
    assert_eq!(folder.next().await.to, "ann@example.com");
    let second = folder.next().await;
    assert_eq!(second.to, "bob@example.com");
    assert_eq!(second.parameter("key"), "a&b");
    assert_eq!(second.sender_name.as_deref(), Some("Prints & Co"));
    assert_eq!(folder.all().len(), 2);
}

#[tokio::test]
async fn the_log_names_the_file_but_not_the_recipient() {
    let gateway = Setup::new().gateway().await;
    let app = Arc::clone(&gateway.app);
    gateway
        .inside(async move { app.mailer.send(message("ann@example.com", "job_1")).await })
        .await
        .expect("written");
    assert_eq!(gateway.mails().next().await.to, "ann@example.com");
    let lines = gateway.logs.lines();
    let reported: Vec<&String> = lines.iter().filter(|line| line.contains("job_1.eml")).collect();
    assert_eq!(reported.len(), 1, "{lines:#?}");
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("ann@") || line.contains("key=")),
        "{lines:#?}"
    );
}
