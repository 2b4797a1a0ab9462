//! Mail. A request never waits for it and never fails by it: what is to be sent goes into a bounded queue, and one task
//! sends it, trying again with growing pauses. What nobody waits for has a queue of its own, which stands behind the other.

use std::time::Duration;

use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

use crate::config::{ConfigError, Mail as MailSettings};
use crate::lifecycle::Tasks;

const QUEUE_CAPACITY: usize = 256;
const LATER_CAPACITY: usize = 64;
const ATTEMPTS_MAX: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// One mail in plain text.
#[derive(Clone)]
pub struct Mail {
    /// The address to send to.
    pub to: lettre::Address,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Where mail is handed in.
#[derive(Clone, Debug)]
pub struct Mailer(Option<Queues>);

#[derive(Clone, Debug)]
struct Queues {
    soon: mpsc::Sender<Mail>,
    later: mpsc::Sender<Mail>,
}

/// Where mail goes.
enum Way {
    Smtp {
        from: Mailbox,
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
    },
    /// A demo has no mail server; its one user reads the log.
    Log,
}

impl Mailer {
    /// Starts the task that sends. Without a mail server, mail is off; in a demo it goes to the log.
    pub fn start(settings: &MailSettings, demo: bool, tasks: &Tasks) -> Result<Self, ConfigError> {
        let way = match &settings.smtp_url {
            Some(url) => {
                let from = settings.mail_from.parse::<Mailbox>();
                let from = from.map_err(|error| ConfigError(format!("mail_from `{}`: {error}", settings.mail_from)))?;
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
                    .map_err(|error| ConfigError(format!("smtp_url: {error}")))?;
                Way::Smtp { from, transport: Box::new(transport.timeout(Some(SEND_TIMEOUT)).build()) }
            }
            None if demo => Way::Log,
            None => {
                tracing::info!("mail is off: there is no smtp_url, so addresses are not confirmed nor passwords reset");
                return Ok(Self(None));
            }
        };
        let (soon, mut first) = mpsc::channel(QUEUE_CAPACITY);
        let (later, mut second) = mpsc::channel(LATER_CAPACITY);
        let shutdown = tasks.shutdown().clone();
        tasks.spawn(async move {
            loop {
                let mail = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    Some(mail) = first.recv() => mail,
                    Some(mail) = second.recv() => mail,
                    else => return,
                };
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = deliver(&way, mail) => {}
                }
            }
        });
        Ok(Self(Some(Queues { soon, later })))
    }

    /// True if mail is sent at all.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Queues a mail. A full queue drops it and says so in the log; its receiver can ask for another.
    pub fn send(&self, mail: Mail) {
        if let Some(queues) = &self.0 {
            queue(&queues.soon, mail);
        }
    }

    /// How many mails can be handed to [`Mailer::send_later`] now; none if mail is off.
    pub fn places_later(&self) -> usize {
        self.0.as_ref().map_or(0, |queues| queues.later.capacity())
    }

    /// Queues a mail behind all those that somebody waits for. A full queue drops it, as in [`Mailer::send`].
    pub fn send_later(&self, mail: Mail) {
        if let Some(queues) = &self.0 {
            queue(&queues.later, mail);
        }
    }
}

fn queue(queue: &mpsc::Sender<Mail>, mail: Mail) {
    if queue.try_send(mail).is_err() {
        metrics::counter!("bidhub_mail_total", "outcome" => "dropped").increment(1);
        tracing::warn!("a mail was dropped: the queue is full or the hub is stopping");
    }
}

async fn deliver(way: &Way, mail: Mail) {
    let (from, transport) = match way {
        Way::Log => {
            tracing::info!(to = %mail.to, subject = mail.subject, "mail of the demo: {}", mail.body);
            return;
        }
        Way::Smtp { from, transport } => (from, transport),
    };
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, mail.to))
        .subject(mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body);
    let message = match message {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "a mail could not be written: {error}"),
    };
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS_MAX {
        match transport.send(message.clone()).await {
            Ok(_) => return metrics::counter!("bidhub_mail_total", "outcome" => "sent").increment(1),
            Err(error) if error.is_permanent() || attempt == ATTEMPTS_MAX => {
                metrics::counter!("bidhub_mail_total", "outcome" => "failed").increment(1);
                return tracing::error!(%error, attempt, "a mail could not be sent and is given up: {error}");
            }
            Err(error) => tracing::warn!(%error, attempt, "a mail could not be sent and is tried again: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause *= 4;
    }
}
