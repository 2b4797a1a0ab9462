//! The program as it is started: where settings come from, and how it says that they are wrong.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

fn bidhub() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bidhub"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// A hub that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The address that a hub says it listens on.
fn address(mut command: Command) -> (Running, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("bidhub listens on http://").expect(&line).to_owned();
    (running, address)
}

#[test]
fn a_flag_counts_before_a_variable_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hub.toml");
    std::fs::write(&file, "listen = '127.0.0.2:0'\n").unwrap();
    let hub = || {
        let mut command = bidhub();
        command.current_dir(dir.path()).env("BIDHUB_CONFIG", &file);
        command
    };
    let (_hub, from_file) = address(hub());
    assert!(from_file.starts_with("127.0.0.2:"), "{from_file}");
    let mut command = hub();
    command.env("BIDHUB_LISTEN", "127.0.0.3:0").env("BIDHUB_DATA_DIR", dir.path().join("b"));
    let (_hub, from_variable) = address(command);
    assert!(from_variable.starts_with("127.0.0.3:"), "{from_variable}");
    let mut command = hub();
    command.env("BIDHUB_LISTEN", "127.0.0.3:0").env("BIDHUB_DATA_DIR", dir.path().join("c"));
    command.args(["serve", "--listen", "127.0.0.4:0"]);
    let (_hub, from_flag) = address(command);
    assert!(from_flag.starts_with("127.0.0.4:"), "{from_flag}");
}

#[test]
fn a_bad_setting_is_told_in_one_line_with_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hub.toml");
    std::fs::write(&file, "lisen = '127.0.0.2:0'\n").unwrap();
    let file = file.to_str().unwrap().to_owned();
    for (arguments, variable, named) in [
        (&["--listen", "here"][..], ("A", "b"), "--listen"),
        (&["--no-such-setting", "1"], ("A", "b"), "--no-such-setting"),
        (&["fly"], ("A", "b"), "fly"),
        (&["user", "add"], ("A", "b"), "--email"),
        (&[], ("BIDHUB_RATE_LIMITS", "perhaps"), "perhaps"),
        (&[], ("BIDHUB_CONFIG", &file), "lisen"),
        (&["--config", "/nowhere.toml"], ("A", "b"), "/nowhere.toml"),
        (&["--jwt-public-key-file", "/nowhere.pem"], ("BIDHUB_LISTEN", "127.0.0.1:0"), "/nowhere.pem"),
        (&["--selling-role", "No Role"], ("BIDHUB_LISTEN", "127.0.0.1:0"), "selling_role"),
        (&["--log-filter", "=="], ("A", "b"), "log_filter"),
        #[cfg(not(feature = "aws"))]
        (&["--kinesis-stream", "events"], ("BIDHUB_LISTEN", "127.0.0.1:0"), "feature aws"),
        (&["--smtp-url", "nonsense"], ("BIDHUB_LISTEN", "127.0.0.1:0"), "smtp_url"),
        (&[], ("BIDHUB_PAYMENTS", "stripe"), "stripe_secret_key"),
        (&["--payments", "stripe"], ("BIDHUB_STRIPE_SECRET_KEY", "sk_test_1"), "stripe_webhook_secret"),
        (&["--default-currency", "XXX"], ("A", "b"), "XXX"),
    ] {
        let mut command = bidhub();
        command.current_dir(dir.path()).args(arguments).env(variable.0, variable.1).env("BIDHUB_LOG_FILTER", "off");
        let Output { status, stderr, .. } = command.output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?} {variable:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(named), "{named} in {said}");
    }
}

#[test]
fn help_names_every_setting_with_its_default_and_no_secret() {
    let output = bidhub().arg("--help").env("BIDHUB_JWT_SECRET", "hush-hush").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for text in [
        "--listen",
        "127.0.0.1:8080",
        "BIDHUB_RATE_LIMITS",
        "MILLISECONDS",
        "16384",
        "--kinesis-stream",
        "BIDHUB_KINESIS_ENDPOINT_URL",
        "serve",
        "user",
    ] {
        assert!(help.contains(text), "{text} in {help}");
    }
    assert!(!help.contains("hush-hush"));
}

#[test]
fn it_ends_in_order_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = bidhub();
    command.current_dir(dir.path()).args(["--listen", "127.0.0.1:0"]);
    let (mut hub, _) = address(command);
    let pid = hub.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(hub.0.wait().unwrap().success());
}
