//! The program `lab-runner`: one step of a job, on this machine.
//!
//! Owns the command line and what is printed; running is the library's.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lab_runner::{Conclusion, Context, Control, Spec, StepRun, Uses};

/// Runs a step as GitHub's runner would, and shows its log, outputs and summary.
#[derive(Parser)]
#[command(name = "lab-runner")]
struct Arguments {
    /// The folder of a Node action's action.yml
    #[arg(long, value_name = "DIR", default_value = ".")]
    action: PathBuf,
    /// An image to run instead, as in `uses: docker://IMAGE`
    #[arg(long, value_name = "IMAGE")]
    docker: Option<String>,
    /// An input, as in `with:`; `${{ secrets.NAME }}` and `${{ github.… }}` are resolved
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    with: Vec<(String, String)>,
    /// A variable of the job's environment
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// A secret, masked
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    secret: Vec<(String, String)>,
    /// A secret that a file holds, without its last newline
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    secret_file: Vec<(String, String)>,
    /// The event's name
    #[arg(long, default_value = "push")]
    event_name: String,
    /// The event's payload, JSON
    #[arg(long, value_name = "FILE")]
    event_file: Option<PathBuf>,
    /// The full ref
    #[arg(long = "ref", value_name = "REF", default_value = "refs/heads/main")]
    git_ref: String,
    /// The commit
    #[arg(long)]
    sha: Option<String>,
    /// The repository
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Who started the run
    #[arg(long)]
    actor: Option<String>,
    /// The run's token, masked
    #[arg(long)]
    token: Option<String>,
    /// The GitHub server
    #[arg(long, value_name = "URL")]
    server_url: Option<String>,
    /// The GitHub server's API
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// The checkout; an empty folder otherwise
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// The tool cache, kept between runs
    #[arg(long, value_name = "DIR")]
    tool_cache: Option<PathBuf>,
    /// The Node program
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
    /// The network of an image's container
    #[arg(long)]
    network: Option<String>,
    /// Debug logging
    #[arg(long)]
    debug: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("lab-runner: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<u8, String> {
    let steps = vec![step(&arguments)];
    let context = context(arguments)?;
    let control = Control::default();
    cancel_on_signals(control.clone()).map_err(|error| error.to_string())?;
    let runs = lab_runner::run_job(context, steps, &control, |line| println!("{line}"))
        .map_err(|error| error.to_string())?;
    runs.iter().for_each(report);
    Ok(runs
        .iter()
        .find(|run| !run.succeeded())
        .map_or(0, exit_code))
}

fn step(arguments: &Arguments) -> Spec {
    let mut spec = Spec::new(match &arguments.docker {
        Some(image) => Uses::Docker(image.trim_start_matches("docker://").to_owned()),
        None => Uses::Node(arguments.action.clone()),
    });
    spec.with.clone_from(&arguments.with);
    spec
}

fn context(arguments: Arguments) -> Result<Context, String> {
    let mut context = Context::default();
    if let Some(file) = &arguments.event_file {
        context.event = serde_json::from_str(&read(file)?)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    for (name, file) in &arguments.secret_file {
        let value = read(Path::new(file))?;
        context
            .secrets
            .insert(name.clone(), value.trim_end_matches('\n').to_owned());
    }
    context.secrets.extend(arguments.secret);
    context.env.extend(arguments.env);
    context.event_name = arguments.event_name;
    context.git_ref = arguments.git_ref;
    context.workspace = arguments.workspace;
    context.tool_cache = arguments.tool_cache;
    context.node = arguments.node;
    context.network = arguments.network;
    context.debug = arguments.debug;
    let set = |field: &mut String, given: Option<String>| {
        if let Some(given) = given {
            *field = given;
        }
    };
    set(&mut context.sha, arguments.sha);
    set(&mut context.repository, arguments.repository);
    set(&mut context.actor, arguments.actor);
    set(&mut context.token, arguments.token);
    set(&mut context.server_url, arguments.server_url);
    set(&mut context.api_url, arguments.api_url);
    Ok(context)
}

/// As the page's "Cancel workflow": post still runs.
fn cancel_on_signals(control: Control) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
    ])?;
    std::thread::spawn(move || signals.forever().for_each(|_| control.cancel()));
    Ok(())
}

fn report(run: &StepRun) {
    println!(
        "\n=== {:?} in {:.2} s",
        run.conclusion,
        run.main.elapsed.as_secs_f64()
    );
    for (name, value) in &run.outputs {
        println!("output {name}={}", value.replace('\n', "\n    "));
    }
    for name in run.dropped_outputs.keys() {
        println!("output {name} holds a masked value: other jobs do not get it");
    }
    for file in &run.leftovers {
        println!("left in RUNNER_TEMP: {}", file.display());
    }
    for command in &run.orphans {
        println!("left running, and killed: {command}");
    }
    if !run.summary.is_empty() {
        println!("\n=== Summary\n{}", run.summary.trim_end());
    }
}

fn exit_code(run: &StepRun) -> u8 {
    let signalled = run
        .signal
        .and_then(|signal| u8::try_from(128 + signal).ok());
    let code = run.exit_code.and_then(|code| u8::try_from(code).ok());
    match code.or(signalled) {
        Some(0) | None if run.conclusion == Conclusion::Cancelled => 130,
        Some(0) | None => 1,
        Some(code) => code,
    }
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is wanted")?;
    Ok((name.to_owned(), value.to_owned()))
}
