//! How Stripe is called: what shows and what never does.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use bidhub::chance::Chance;
use bidhub::clock::Clock;
use bidhub::config::{Payments, Settings};
use bidhub::payments::stripe::{Parts, Patience, Stripe};
use bidhub::payments::{self, PaymentProvider as _};

use crate::stand_in::{Fault, SECRET_KEY, WEBHOOK_SECRET};
use crate::world::{World, moment, withdrawal};

/// What is logged on this thread, at level trace, until the guard is dropped.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

thread_local! {
    /// Who listens on this thread.
    static LISTENING: RefCell<Logged> = RefCell::default();
}

struct Listening;

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.take();
    }
}

impl Logged {
    /// One subscriber for the whole program: with one for each thread, whoever is first at a place in the code while nobody
    /// listens makes it silent for those who come while it does so.
    fn listen() -> (Self, Listening) {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber =
                tracing_subscriber::fmt().without_time().with_ansi(false).with_max_level(tracing::Level::TRACE);
            let subscriber = subscriber.with_writer(|| LISTENING.with_borrow(Self::clone)).finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        let logged = Self::default();
        LISTENING.set(logged.clone());
        (logged, Listening)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_do_not_show() {
    let world = World::start().await;
    let shown = format!("{:?}", world.stripe);
    assert!(shown.contains(&world.server.url()), "{shown}");
    for secret in [SECRET_KEY, WEBHOOK_SECRET] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let (secret_key, webhook_secret) = ("sk_\n".into(), "whsec_1".into());
    let (chance, patience) = (Chance::System, Patience::default());
    let parts = Parts { url: world.server.url(), secret_key, webhook_secret, chance, patience };
    assert!(!format!("{parts:?}").contains("whsec_1"));
    let refused = Stripe::new(parts).unwrap_err().to_string();
    assert!(refused.contains("stripe_secret_key") && !refused.contains("sk_"), "{refused}");
}

#[tokio::test]
async fn the_log_says_what_happened_and_nothing_of_what_was_sent() {
    let world = World::start().await;
    let order = withdrawal(4_217_319, Some(&world.destination().await));
    let (logged, _listening) = Logged::listen();
    world.server.fail(
        "/v1/transfers",
        [
            Fault::DropReply,
            Fault::Garbage("an answer of theirs"),
            Fault::Answer(400, "invalid_request_error", "balance_insufficient"),
        ],
    );
    world.stripe.withdraw(&order).await.unwrap_err();
    let (_, session) = world.begin(5_000).await;
    world.server.pay(&session);
    world.told(&world.message("checkout.session.completed", &session)).await.unwrap();
    let text = logged.text();
    for said in ["did not answer to transfer", "cannot be read", "balance_insufficient", "req_1"] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let destination = order.destination.unwrap();
    for hidden in [SECRET_KEY, WEBHOOK_SECRET, "an answer of theirs", "a message about", "4217319", &destination] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[test]
fn money_that_is_not_real_is_said_to_be_so_when_the_hub_starts() {
    let settings = Settings::default().money;
    let (logged, _listening) = Logged::listen();
    let provider = payments::open(&settings, Clock::manual(moment()), Chance::System).unwrap();
    assert_eq!(provider.name(), "test");
    assert!(logged.text().contains("WARN") && logged.text().contains("THE MONEY IS NOT REAL"), "{}", logged.text());
    let (logged, _listening) = Logged::listen();
    let mut settings = settings;
    settings.payments = Payments::Stripe;
    settings.stripe_secret_key = Some(SECRET_KEY.into());
    settings.stripe_webhook_secret = Some(WEBHOOK_SECRET.into());
    let provider = payments::open(&settings, Clock::manual(moment()), Chance::System).unwrap();
    assert_eq!((provider.name(), logged.text().as_str()), ("stripe", ""));
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_address_does_no_harm() {
    let world = World::start().await;
    let stripe = crate::world::adapter(format!("{}/", world.server.url()), SECRET_KEY, Patience::default());
    stripe.deposit(&crate::world::deposit(5_000, "USD")).await.unwrap();
    assert_eq!(stripe.name(), "stripe");
}

#[test]
fn a_call_ends_before_anyone_stops_waiting_for_it() {
    let Patience { attempt, first_pause } = Patience::default();
    assert!(attempt * 3 + first_pause * 3 < Duration::from_secs(20));
}
