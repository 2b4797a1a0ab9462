//! What a request cannot show: whom the hub tells of what ended, bans, and what is swept out.

use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::auth::{Authenticator, Via};
use crate::config::{Settings, Switch};
use crate::coordination::local::LocalBus;
use crate::persistence::{Durability, migrate};

const PASSWORD: &str = "correct horse battery";

struct Bench {
    accounts: Accounts,
    authenticator: Authenticator,
    notices: Receiver<Notice>,
    clock: Clock,
    _dir: tempfile::TempDir,
}

async fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
    migrate(&db).await.unwrap();
    let tasks = Tasks::new(CancellationToken::new());
    let bus = Arc::new(LocalBus::new(crate::domain::NodeId(uuid::Uuid::nil())));
    let notices = bus.subscribe();
    let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
    let parts = Parts {
        db,
        clock: clock.clone(),
        chance: Chance::seeded(7),
        bus,
        mailer: Mailer::start(&Settings::default().mail, false, &tasks).unwrap(),
        limits: Arc::new(RateLimits::new(Switch::Off)),
        public_url: "http://127.0.0.1".into(),
        session_ttl_s: 60,
        password_cost: PasswordCost { memory_kib: 16, iterations: 1 },
    };
    let accounts = Accounts::new(parts, &tasks).unwrap();
    let authenticator = Authenticator::new(Arc::new(accounts.directory()), None, None, clock.clone());
    Bench { accounts, authenticator, notices, clock, _dir: dir }
}

impl Bench {
    async fn caller(&self, session: &Session) -> Option<Caller> {
        use secrecy::ExposeSecret as _;
        self.authenticator.authenticate(session.token.token.expose_secret(), Via::Bearer).await.ok()
    }
}

#[tokio::test]
async fn sockets_of_sessions_that_end_are_told_and_no_others() {
    let mut bench = bench().await;
    let first = bench.accounts.register("ada@example.com", PASSWORD, "Ada").await.unwrap();
    let second = bench.accounts.login("ada@example.com", PASSWORD).await.unwrap();
    let bob = bench.accounts.register("bob@example.com", PASSWORD, "Bob").await.unwrap();
    let caller = bench.caller(&first).await.unwrap();
    bench.accounts.change_password(&caller, PASSWORD, "a new long password").await.unwrap();
    assert_eq!(bench.notices.try_recv().ok(), Some(Notice::SessionEnded(second.token.id)));
    assert!(bench.notices.try_recv().is_err(), "the session that changed it goes on");
    bench.accounts.logout(&caller).await.unwrap();
    assert_eq!(bench.notices.try_recv().ok(), Some(Notice::SessionEnded(first.token.id)));
    assert!(bench.caller(&bob).await.is_some());
}

/// What `$work` does in a transaction of its own, which is committed.
macro_rules! within {
    ($bench:expr, $tx:ident, $work:expr) => {{
        let mut tx = $bench.accounts.db().begin().await.unwrap();
        let $tx = &mut tx;
        let done = $work.await.unwrap();
        tx.commit().await.unwrap();
        done
    }};
}

#[tokio::test]
async fn a_ban_is_in_force_at_once_and_can_be_lifted() {
    let bench = bench().await;
    let (accounts, ada) = (&bench.accounts, bench.accounts.register("ada@example.com", PASSWORD, "Ada").await.unwrap());
    let id = AccountId(ada.account.id);
    assert!(within!(bench, tx, accounts.ban(tx, id, "shill bids")));
    assert!(!within!(bench, tx, accounts.ban(tx, id, "again")));
    assert!(bench.caller(&ada).await.unwrap().identity.banned);
    let account = bench.accounts.account(id).await.unwrap().unwrap();
    assert_eq!(account.ban_reason.as_deref(), Some("shill bids"));
    assert!(within!(bench, tx, accounts.unban(tx, id)));
    assert!(!within!(bench, tx, accounts.unban(tx, id)));
    assert!(!bench.caller(&ada).await.unwrap().identity.banned);
}

#[tokio::test]
async fn a_freeze_is_in_force_at_once_and_can_be_lifted() {
    let mut bench = bench().await;
    let ada = bench.accounts.register("ada@example.com", PASSWORD, "Ada").await.unwrap();
    let (accounts, id) = (bench.accounts.clone(), AccountId(ada.account.id));
    assert!(within!(bench, tx, accounts.freeze(tx, id, "an odd deposit")));
    assert!(!within!(bench, tx, accounts.freeze(tx, id, "again")));
    let identity = bench.caller(&ada).await.unwrap().identity;
    assert!(identity.frozen && !identity.banned);
    let account = bench.accounts.account(id).await.unwrap().unwrap();
    assert_eq!(account.freeze_reason.as_deref(), Some("an odd deposit"), "the first reason stands");
    assert!(within!(bench, tx, accounts.unfreeze(tx, id)));
    assert!(!within!(bench, tx, accounts.unfreeze(tx, id)));
    assert!(!bench.caller(&ada).await.unwrap().identity.frozen);
    assert!(bench.notices.try_recv().is_err());
    bench.accounts.end_sockets(id).await;
    assert_eq!(bench.notices.try_recv().ok(), Some(Notice::AccountEnded(id)), "sockets that still carry it");
}

#[tokio::test]
async fn what_has_ended_is_swept_out_and_nothing_else() {
    let bench = bench().await;
    let ada = bench.accounts.register("ada@example.com", PASSWORD, "Ada").await.unwrap();
    let sweep = async || store::sweep(bench.accounts.db(), bench.clock.now()).await.unwrap();
    assert_eq!(sweep().await, 0);
    assert!(bench.caller(&ada).await.is_some());
    bench.clock.advance(Span::from_secs(60));
    assert_eq!(sweep().await, 1, "the session");
    bench.clock.advance(CONFIRM_TTL);
    assert_eq!(sweep().await, 1, "the token that confirms the address");
}
