//! The `bidhub` program: reads the command line, starts the log, does what the subcommand says.

use std::process::ExitCode;

use bidhub::config::{ConfigError, Settings};
use bidhub::{cli, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a process exits with when it was started in a way that cannot work.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let done = Settings::load(cli.flags).map_err(anyhow::Error::from).and_then(|settings| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let traces = telemetry::start(&settings.log, runtime.handle())?;
        let done = runtime.block_on(cli.command.unwrap_or_default().run(settings));
        traces.flush();
        done
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            let misconfigured = error.chain().any(|cause| cause.is::<ConfigError>());
            if misconfigured { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}
