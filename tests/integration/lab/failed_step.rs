//! A build that fails: the line of the Dockerfile, and what it printed.

use lab_runner::Level;

use crate::support::classic_engine::classic;
use crate::support::site::clean;
use crate::support::{Lab, Place};

#[test]
#[ignore = "needs the lab"]
fn the_line_that_failed_is_annotated_with_its_output() {
    let lab = Lab::get();
    let place = Place::new();
    place.write(
        "workspace/app/Dockerfile.dev",
        "ARG BASE=scratch\nFROM ${BASE}\n# A comment.\nRUN echo first && \\\n    echo 'app/x.c:9: ::error::no' && exit 3\n",
    );
    for host in [None, Some(classic())] {
        let mut step = lab
            .step(&place)
            .with("context", "app")
            .with("file", "app/Dockerfile.dev")
            .with("platforms", "linux/amd64")
            .with("push", "false")
            .with("build-args", format!("BASE={}", lab.open_base));
        if let Some(host) = host {
            step = step
                .env("DOCKER_HOST", host)
                .with("driver", "docker-container");
        }
        let run = step.run().unwrap();
        assert_eq!(run.exit_code, Some(1), "{}", run.log);
        clean(&run);
        let errors: Vec<_> = run
            .annotations
            .iter()
            .filter(|one| one.level == Level::Error)
            .collect();
        assert_eq!(errors.len(), 1, "{}", run.log);
        let error = errors[0];
        assert_eq!(error.file.as_deref(), Some("app/Dockerfile.dev"));
        assert_eq!(error.line, Some(4));
        let printed = "RUN echo first && echo 'app/x.c:9: ::error::no' && exit 3 printed last:\n\
                       first\napp/x.c:9: ::error::no";
        assert!(error.message.contains(printed), "{}", error.message);
    }
}
