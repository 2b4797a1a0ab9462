//! Settings as the file and the defaults give them.

use super::*;

fn from_file(text: &str) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hub.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(Flags { config: Some(path), ..Flags::default() })
}

#[test]
fn every_default_can_be_read() {
    let settings = Settings::default();
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.connections.max_connections_per_address, 256);
    assert!(settings.check().is_ok());
}

#[test]
fn a_setting_has_one_name_in_all_sources() {
    let mut seen = BTreeSet::new();
    for (name, variable) in names() {
        assert_eq!(variable, format!("BIDHUB_{}", name.to_uppercase()));
        assert!(seen.insert(name), "{name} is there twice");
    }
}

#[test]
fn the_file_counts_before_the_default() {
    let settings = from_file("listen = '127.0.0.1:9'\nrate_limits = 'off'\ntrusted_proxies = ['10.0.0.0/8']").unwrap();
    assert_eq!(settings.server.listen.port(), 9);
    assert_eq!(settings.connections.rate_limits, Switch::Off);
    assert_eq!(settings.server.trusted_proxies, ["10.0.0.0/8".parse::<IpNet>().unwrap()]);
    assert_eq!(settings.room.mailbox_capacity, 4_096);
}

#[test]
fn a_bad_file_is_refused_in_one_line_that_names_the_key() {
    for (text, named) in [
        ("lisen = '127.0.0.1:9'", "lisen"),
        ("listen = 'here'", "listen"),
        ("max_connections = 'many'", "max_connections"),
        ("rate_limits = 'perhaps'", "rate_limits"),
        ("batch_max = 0", "batch_max"),
        ("jwt_secret = ''", "jwt_secret"),
        ("default_ack = 'disk'", "default_ack"),
        ("default_ack = 'replica'", "redis_replicas"),
        ("lease_ttl_ms = 0", "lease_ttl_ms"),
        ("customers_keep_days = 0", "customers_keep_days"),
        ("customers_snapshot_cron = '61 * * * *'", "customers_snapshot_cron"),
        ("premium_bp = 5001", "premium_bp"),
        ("commission_bp = 5001", "commission_bp"),
        ("commission_bp = -1", "commission_bp"),
        ("jwt_secret = 'a'\njwt_public_key_file = 'b'", "jwt_public_key_file"),
        ("database_url = 'mysql://x'", "database_url"),
        ("public_url = 'bid.example'", "public_url"),
        ("otlp_sample = 1.5", "otlp_sample"),
        ("otlp_url = 'localhost:4318'", "otlp_url"),
        ("listen = ", "hub.toml"),
    ] {
        let message = from_file(text).unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn a_node_drains_for_a_while_one_process_ends_at_once_and_neither_beyond_its_time_to_stop() {
    let window = |redis: bool, drain_ms, shutdown_timeout_ms| {
        let mut settings = Settings::default();
        settings.server.redis_url = redis.then(|| "redis://127.0.0.1".into());
        settings.server.drain_ms = drain_ms;
        settings.server.shutdown_timeout_ms = shutdown_timeout_ms;
        settings.drain_window().as_millis()
    };
    assert_eq!(window(true, None, 10_000), 3_000);
    assert_eq!(window(false, None, 10_000), 0);
    assert_eq!(window(false, Some(1_000), 10_000), 1_000);
    assert_eq!(window(true, Some(60_000), 10_000), 3_750);
    assert_eq!(window(true, None, 4_000), 1_500);
}

#[test]
fn secrets_do_not_show() {
    let settings =
        from_file("jwt_secret = 'hush-hush'\noperator_token = 'hush-hush'\ndatabase_url = 'postgres://hush-hush'\nstripe_secret_key = 'sk_hush-hush'\nstripe_webhook_secret = 'whsec_hush-hush'")
            .unwrap();
    assert!(!format!("{settings:?}").contains("hush-hush"));
}
