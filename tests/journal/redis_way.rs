//! The way to Redis: what it hides (where the primary is, that a connection broke before) and what it never hides (that
//! a command may or may not have been run).

use std::time::Duration;

use ::redis::{Script, cmd};
use bidhub::persistence::redis::{Fitness, RedisUrl};
use bidhub::persistence::{Redis, RedisError};

use crate::redis_server::{Cluster, PASSWORD, Server, Setup, Watched};

const SHORT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

fn way(url: &str) -> Redis {
    way_with(url, None)
}

fn way_with(url: &str, ca: Option<&[u8]>) -> Redis {
    let url: RedisUrl = url.parse().unwrap();
    Redis::new(&url, ca, SHORT).unwrap()
}

/// Asks until it answers.
async fn answers(redis: &Redis, key: &str) -> String {
    let asking = async {
        loop {
            match redis.run::<Option<String>>(cmd("GET").arg(key)).await {
                Ok(value) => return value.unwrap_or_default(),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("redis answers at last")
}

#[tokio::test]
async fn commands_and_scripts_run_and_a_connection_comes_back_after_a_crash() {
    let Some(mut server) = Server::start().await else { return };
    let redis = way(&server.url());
    let script = Script::new("redis.call('SET', KEYS[1], ARGV[1]) return ARGV[2]");
    let given: String = redis.script(&script, &["a"], ("kept", "answer")).await.unwrap();
    assert_eq!((given.as_str(), answers(&redis, "a").await.as_str()), ("answer", "kept"));
    let before = redis.server_run_id("a").await.unwrap();
    server.stop();
    assert!(redis.run::<String>(cmd("GET").arg("a")).await.is_err());
    server.restart().await;
    assert_eq!(answers(&redis, "a").await, "kept");
    assert_ne!(redis.server_run_id("a").await.unwrap(), before);
    let _: String = redis.script(&script, &["a"], ("again", "x")).await.unwrap();
}

#[tokio::test]
async fn silence_is_an_unknown_outcome_and_absence_is_not() {
    let Some(mut server) = Server::start().await else { return };
    let redis = way(&server.url());
    let _: () = redis.run(cmd("SET").arg("n").arg(0)).await.unwrap();
    server.pause();
    let silent = redis.run::<i64>(cmd("INCR").arg("n")).await;
    assert!(matches!(silent, Err(RedisError::Unanswered(_))), "{silent:?}");
    server.resume();
    assert_eq!(answers(&redis, "n").await, "1", "done once, though nobody was told");
    server.kill();
    let _ = redis.run::<i64>(cmd("INCR").arg("n")).await;
    let absent = redis.run::<i64>(cmd("INCR").arg("n")).await;
    assert!(matches!(absent, Err(RedisError::Unreachable(_))), "{absent:?}");
    let refused = {
        server.restart().await;
        answers(&redis, "n").await;
        redis.run::<i64>(cmd("LPOP").arg("n")).await
    };
    assert!(matches!(refused, Err(RedisError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_may_forget_is_refused_and_one_without_a_file_is_named() {
    let Some(server) = Server::with(Setup { policy: Some("allkeys-lru"), ..Setup::default() }).await else { return };
    let unfit = way(&server.url()).fitness().await;
    assert!(matches!(&unfit, Err(RedisError::Unfit(why)) if why.contains("allkeys-lru")), "{unfit:?}");
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_eq!(way(&server.url()).fitness().await.unwrap(), Fitness { append_only: false });
    server.cli(&["CONFIG", "SET", "appendonly", "yes"]);
    assert_eq!(way(&server.url()).fitness().await.unwrap(), Fitness { append_only: true });
    server.cli(&["ACL", "SETUSER", "plain", "on", &format!(">{PASSWORD}"), "+info", "+ping"]);
    assert!(way(&server.url_as("plain", PASSWORD)).fitness().await.is_ok(), "it is in what INFO says too");
}

#[tokio::test]
async fn tls_trusts_the_authority_that_it_is_told_of_and_no_other() {
    let Some(server) = Server::with(Setup { tls: true, ..Setup::default() }).await else { return };
    let authority = std::fs::read(server.authority()).unwrap();
    let redis = way_with(&server.url(), Some(&authority));
    let _: () = redis.run(cmd("SET").arg("a").arg("b")).await.unwrap();
    let stranger = way(&server.url()).run::<String>(cmd("GET").arg("a")).await;
    assert!(matches!(stranger, Err(RedisError::Unreachable(_))), "{stranger:?}");
}

#[tokio::test]
async fn a_primary_that_moved_is_followed_though_the_old_one_still_answers() {
    let Some(watched) = Watched::start(2).await else { return };
    let redis = way(&watched.url());
    let _: () = redis.run(cmd("SET").arg("a").arg("before")).await.unwrap();
    let _: i64 = redis.run(cmd("WAIT").arg(2).arg(5_000)).await.unwrap();
    let old = watched.primary_port();
    let before = redis.server_run_id("a").await.unwrap();
    watched.servers[0].pause();
    let new = watched.failed_over(old).await;
    let written = async {
        while redis.run::<()>(cmd("SET").arg("a").arg("after")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, written).await.expect("the new primary is found");
    assert_eq!((answers(&redis, "a").await.as_str(), new == old), ("after", false));
    assert_ne!(redis.server_run_id("a").await.unwrap(), before);
    watched.servers[0].resume();
    assert_eq!(answers(&redis, "a").await, "after");
}

#[tokio::test]
async fn a_dedicated_connection_waits_for_replicas_without_holding_up_others() {
    let Some(primary) = Server::start().await else { return };
    let setup = Setup { replica_of: Some(primary.port()), ..Setup::default() };
    let Some(replica) = Server::with(setup).await else { return };
    primary.has_replicas(1).await;
    let redis = Redis::new(&primary.url().parse().unwrap(), None, PATIENCE).unwrap();
    let mut own = redis.dedicated("a").await.unwrap();
    let _: () = own.run(cmd("SET").arg("a").arg("1")).await.unwrap();
    assert_eq!(own.run::<i64>(cmd("WAIT").arg(1).arg(30_000)).await.unwrap(), 1);
    replica.pause();
    let _: () = own.run(cmd("SET").arg("a").arg("2")).await.unwrap();
    let mut wait = cmd("WAIT");
    wait.arg(1).arg(400);
    let (reached, other) = tokio::join!(own.run::<i64>(&wait), answers(&redis, "a"));
    assert_eq!((reached.unwrap(), other.as_str()), (0, "2"));
    replica.resume();
}

#[tokio::test]
async fn a_cluster_is_followed_through_a_moved_slot_and_a_dead_primary() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let redis = Redis::new(&cluster.url().parse().unwrap(), None, PATIENCE).unwrap();
    let key = "bidhub:{a}:x";
    let script = Script::new("return redis.call('SET', KEYS[1], ARGV[1])");
    for number in 0..50 {
        let _: () = redis.run(cmd("SET").arg(format!("{{{number}}}:x")).arg(number)).await.unwrap();
    }
    let _: () = redis.script(&script, &[key], "one").await.unwrap();
    let mut own = redis.dedicated(key).await.unwrap();
    let to = cluster.migrate(key);
    assert_eq!((answers(&redis, key).await.as_str(), cluster.owner(key)), ("one", to));
    let _: () = redis.script(&script, &[key], "two").await.unwrap();
    let _: () = own.script(&script, &[key], "three").await.unwrap();
    assert_eq!(own.run::<i64>(cmd("WAIT").arg(1).arg(30_000)).await.unwrap(), 1, "on the node that has the key now");
    assert_eq!(answers(&redis, key).await, "three");
    assert_eq!(redis.fitness().await.unwrap(), Fitness { append_only: true });
    cluster.servers[to].kill();
    assert_eq!(answers(&redis, key).await, "three", "its replica takes over");
}
