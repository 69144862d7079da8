//! The table as a whole: signal in, diagnosis out.

use crate::diagnosis::row::Row;
use crate::diagnosis::signal::Signal;
use crate::registry::Refusal;

mod answers;
mod github;
mod texts;

use crate::image::Access;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::diagnosis::row::Condition;
use crate::diagnosis::row::Place;
use crate::diagnosis::*;
use crate::event::Payload;
use crate::event::RunContext;
use crate::facts::OwnerKind;
use crate::facts::Package;
use crate::facts::Permission;
use crate::image::ImageName;
use crate::registry::Stage;

/// A run of acme/app, whose owner is of this kind.
fn context(owner: OwnerKind) -> RunContext {
    let owner = match owner {
        OwnerKind::User => json!({"login": "Acme", "type": "User"}),
        OwnerKind::Organization => json!({"login": "Acme", "type": "Organization"}),
        OwnerKind::Unknown => Value::Null,
    };
    RunContext {
        event_name: "push".to_owned(),
        repository: "Acme/app".to_owned(),
        server_url: "https://github.com".to_owned(),
        actor: "octocat".to_owned(),
        payload: Payload::new(json!({"repository": {"owner": owner}})),
        ..RunContext::default()
    }
}

fn fork() -> RunContext {
    RunContext {
        event_name: "pull_request".to_owned(),
        payload: Payload::new(json!({
            "pull_request": {"head": {"repo": {"full_name": "me/app"}}},
        })),
        ..context(OwnerKind::Unknown)
    }
}

fn dependabot() -> RunContext {
    RunContext {
        actor: "dependabot[bot]".to_owned(),
        ..context(OwnerKind::Organization)
    }
}

fn image(text: &str) -> ImageName {
    match ImageName::parse(text) {
        Ok(name) => name,
        // An owner that is missing is refused before anything is asked.
        Err(_) => subject::name(text).unwrap(),
    }
}

fn circumstances<'a>(context: &'a RunContext, image: &'a ImageName) -> Circumstances<'a> {
    Circumstances {
        context,
        image: Some(image),
        given_as: None,
        login: Login::GithubToken,
        access: Access::Push,
        package: None,
        scanners: &[],
    }
}

/// `{"errors":[{"code":CODE,"message":MESSAGE}]}`, as a refusal at the upload.
fn refusal(status: u16, code: &str, message: &str) -> Refusal {
    let body = json!({"errors": [{"code": code, "message": message}]});
    Refusal::new(Stage::Upload, status, &body.to_string(), [])
}

#[test]
fn ids_are_unique_and_every_hole_is_known() {
    let (context, name) = (context(OwnerKind::Organization), image("ghcr.io/acme/app"));
    let known = circumstances(&context, &name);
    let mut ids = BTreeSet::new();
    for row in rows() {
        assert!(ids.insert(row.id), "{} is there twice", row.id);
        let filled = Diagnosis::of(row, &Signal::default(), &known);
        let text = filled.to_string();
        assert!(!text.contains(['{', '}']), "{text}");
        assert!(
            !row.fix.ends_with('.') && row.meaning.ends_with(['.', '}']),
            "{}",
            row.id
        );
        assert!(!row.who.is_empty() && !row.fix.is_empty(), "{}", row.id);
    }
}

/// The image that a row is shown with.
fn example(row: &Row) -> ImageName {
    image(match row.place {
        _ if row.when.contains(&Condition::NoOwner) => "registry.example.com/app",
        _ if row.when.contains(&Condition::NoNamespace) => "app",
        Place::DockerHub => "acme/app",
        Place::Ecr => "1.dkr.ecr.eu-west-1.amazonaws.com/app",
        Place::Google => "europe-docker.pkg.dev/project/repository/app",
        Place::Quay => "quay.io/acme/app",
        Place::Harbor => "harbor.example.com/project/app",
        Place::Any => "registry.example.com/acme/app",
        Place::Github | Place::GithubHost | Place::Build | Place::Step => match row.id {
            "github-other-account" | "github-no-such-owner" => "ghcr.io/else/app",
            _ => "ghcr.io/acme/app",
        },
    })
}

/// Every message, for one repository, to be read in one file.
#[test]
fn every_message() {
    let context = context(OwnerKind::Organization);
    let package = Package {
        linked: Some("acme/old".to_owned()),
        ..Package::default()
    };
    let signal = Signal {
        status: Some(418),
        words: "WORDS".to_owned(),
        subject: Some("docker.io/library/alpine:3".to_owned()),
        path: Some("/dist/app".to_owned()),
        platform: Some("linux/arm64".to_owned()),
        ..Signal::default()
    };
    let mut messages = String::new();
    for row in rows().chain([&rows::ELSE, &rows::SILENCE]) {
        let name = example(row);
        let known = Circumstances {
            package: Some(&package),
            ..circumstances(&context, &name)
        };
        let found = Diagnosis::of(row, &signal, &known);
        messages += &format!("## {} ({:?})\n{found}\n\n", row.id, row.kind);
    }
    insta::assert_snapshot!(messages);
}
