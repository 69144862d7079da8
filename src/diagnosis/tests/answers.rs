//! Answers of registries in, diagnoses out.

use crate::diagnosis::tests::*;
use crate::registry::Refusal;

#[test]
fn each_answer_of_another_registry_has_its_row() {
    use Kind::{Denied, Other, Passing};
    let context = context(OwnerKind::Organization);
    for (name, status, code, message, id, kind) in [
        (
            "registry.example.com/acme/app",
            404,
            "MANIFEST_BLOB_UNKNOWN",
            "blob unknown to registry",
            "content-unknown",
            Passing,
        ),
        (
            "registry.example.com/acme/app",
            400,
            "DIGEST_INVALID",
            "provided digest did not match uploaded content",
            "content-unknown",
            Passing,
        ),
        (
            "acme/app",
            401,
            "UNAUTHORIZED",
            "authentication required: access token has insufficient scopes",
            "hub-push-denied",
            Denied,
        ),
        (
            "acme/app",
            403,
            "DENIED",
            "requested access to the resource is denied",
            "hub-push-denied",
            Denied,
        ),
        (
            "acme/app",
            401,
            "",
            "push access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            "hub-push-denied",
            Denied,
        ),
        (
            "app",
            401,
            "UNAUTHORIZED",
            "access token has insufficient scopes",
            "hub-no-namespace",
            Denied,
        ),
        (
            "acme/app",
            401,
            "",
            "incorrect username or password",
            "hub-credential",
            Denied,
        ),
        (
            "acme/app",
            429,
            "TOOMANYREQUESTS",
            "You have reached your unauthenticated pull rate limit.",
            "hub-pull-limit",
            Other,
        ),
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com/app",
            404,
            "NAME_UNKNOWN",
            "The repository with name 'app' does not exist in the registry with id '1'",
            "ecr-no-repository",
            Denied,
        ),
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com/app",
            403,
            "DENIED",
            "User: x is not authorized to perform: ecr:InitiateLayerUpload because no identity-based policy allows it",
            "ecr-policy",
            Denied,
        ),
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com/app",
            403,
            "DENIED",
            "Your authorization token has expired. Reauthenticate and try again.",
            "ecr-expired",
            Denied,
        ),
        (
            "europe-docker.pkg.dev/p/r/app",
            403,
            "DENIED",
            "Permission \"artifactregistry.repositories.uploadArtifacts\" denied on resource \"projects/p\" (or it may not exist)",
            "google-permission",
            Denied,
        ),
        (
            "quay.io/acme/app",
            401,
            "UNAUTHORIZED",
            "access to the requested resource is not authorized",
            "quay-access",
            Denied,
        ),
        (
            "harbor.example.com/p/app",
            401,
            "UNAUTHORIZED",
            "unauthorized to access repository: p/app, action: push",
            "harbor-access",
            Denied,
        ),
        (
            "r.example.com/a/b",
            401,
            "UNAUTHORIZED",
            "",
            "unauthorized",
            Denied,
        ),
        ("r.example.com/a/b", 403, "DENIED", "", "denied", Denied),
        (
            "r.example.com/a/b",
            400,
            "NAME_INVALID",
            "",
            "name-invalid",
            Denied,
        ),
        (
            "r.example.com/a/b",
            404,
            "NAME_UNKNOWN",
            "",
            "not-found",
            Other,
        ),
        (
            "r.example.com/a/b",
            429,
            "TOOMANYREQUESTS",
            "",
            "limit",
            Passing,
        ),
        ("r.example.com/a/b", 413, "", "", "too-large", Other),
    ] {
        let image = image(name);
        let found = of_refusal(
            &refusal(status, code, message),
            &circumstances(&context, &image),
        );
        assert_eq!((found.id, found.kind), (id, kind), "{message}");
    }
}

#[test]
fn a_bare_status_has_its_row() {
    let context = context(OwnerKind::Organization);
    let name = image("r.example.com/a/b");
    for (status, id) in [
        (400, "bad-request"),
        (401, "unauthorized"),
        (403, "denied"),
        (404, "not-found"),
        (429, "limit"),
        (500, "server-error"),
        (503, "server-error"),
    ] {
        let refusal = Refusal::new(Stage::Upload, status, "", []);
        let found = of_refusal(&refusal, &circumstances(&context, &name));
        assert_eq!((found.id, found.words.as_str()), (id, ""));
    }
}

#[test]
fn the_image_of_another_account_gets_the_repository_s_owner() {
    let (context, name) = (context(OwnerKind::User), image("ghcr.io/else/app"));
    let refusal = refusal(403, "DENIED", "requested installation does not exist");
    let found = of_refusal(&refusal, &circumstances(&context, &name));
    assert_eq!(
        found.fix,
        "Write ghcr.io/acme/app in place of ghcr.io/else/app"
    );
}

#[test]
fn elsewhere_too_forks_and_dependabot_have_no_secrets() {
    let name = image("r.example.com/a/b");
    let bare = Refusal::new(Stage::Upload, 401, "", []);
    for (context, id) in [(fork(), "fork"), (dependabot(), "dependabot")] {
        assert_eq!(of_refusal(&bare, &circumstances(&context, &name)).id, id);
    }
}

/// The workflow that asked for all this: the owner was missing.
#[test]
fn a_missing_owner_is_suggested_on_any_registry() {
    let context = RunContext {
        repository: "AidanPark/ga-hit-counter".to_owned(),
        ..RunContext::default()
    };
    for (given, suggested) in [
        (
            "127.0.0.1:5000/ga-hit-counter",
            "127.0.0.1:5000/aidanpark/ga-hit-counter",
        ),
        ("ghcr.io/ga-hit-counter", "ghcr.io/aidanpark/ga-hit-counter"),
    ] {
        let name = image(given);
        for body in [
            "",
            r#"{"errors":[{"code":"NAME_INVALID","message":"name invalid"}]}"#,
        ] {
            let refusal = Refusal::new(Stage::Upload, 400, body, []);
            let found = of_refusal(&refusal, &circumstances(&context, &name));
            assert_eq!((found.id, found.kind), ("name-without-owner", Kind::Denied));
            let first = found.to_string().lines().next().unwrap().to_owned();
            assert_eq!(first, format!("Write {suggested} in place of {given}."));
        }
    }
}

#[test]
fn links_are_those_of_the_package_s_own_server() {
    let residency = RunContext {
        server_url: "https://acme.ghe.com".to_owned(),
        ..context(OwnerKind::User)
    };
    let user = context(OwnerKind::User);
    let other = context(OwnerKind::Organization);
    for (context, name, link) in [
        (
            &user,
            "ghcr.io/acme/a/b",
            "https://github.com/users/acme/packages/container/a%2Fb/settings",
        ),
        (
            &other,
            "ghcr.io/acme/a/b",
            "https://github.com/orgs/acme/packages/container/a%2Fb/settings",
        ),
        (
            &residency,
            "containers.acme.ghe.com/acme/app",
            "https://acme.ghe.com/users/acme/packages/container/app/settings",
        ),
        (
            &user,
            "ghcr.io/else/app",
            "https://github.com/orgs/else/packages/container/app/settings (an organisation's) or https://github.com/users/else/packages/container/app/settings (a person's)",
        ),
    ] {
        let image = image(name);
        let refusal = refusal(403, "DENIED", "permission_denied: write_package");
        let found = of_refusal(&refusal, &circumstances(context, &image));
        assert_eq!(found.link.unwrap(), link, "{name}");
    }
}

#[test]
fn hostile_words_and_names_stay_harmless() {
    let context = RunContext {
        repository: "a?b#c/d\n::error::e".to_owned(),
        ..context(OwnerKind::Unknown)
    };
    let name = image("ghcr.io/acme/app");
    let known = circumstances(&context, &name);
    let message = format!(
        "not allowed to Write organization package\n::error::x\u{1b}[31m{}",
        "y".repeat(5000)
    );
    let found = of_refusal(&refusal(403, "DENIED", &message), &known);
    assert_eq!(
        found.link.as_deref(),
        Some("https://github.com/a%3Fb%23c/d%20%3A%3Aerror%3A%3Ae/settings/actions")
    );
    let text = found.to_string();
    assert!(text.len() < 2000 && !text.contains('\u{1b}'), "{text}");
    assert!(text.lines().all(|line| !line.starts_with("::")), "{text}");
}

#[test]
fn the_workflow_s_own_spelling_is_what_is_to_be_replaced() {
    let (context, name) = (context(OwnerKind::User), image("app"));
    let known = Circumstances {
        given_as: Some("App"),
        ..circumstances(&context, &name)
    };
    let found = of_refusal(&refusal(401, "UNAUTHORIZED", ""), &known);
    assert!(found.fix.contains("in place of App,"), "{}", found.fix);
}

#[test]
fn a_request_without_an_answer_has_a_row_too() {
    let context = context(OwnerKind::Organization);
    let name = image("r.example.com/a/b");
    for (why, id, kind) in [
        (
            "invalid peer certificate: UnknownIssuer",
            "certificate",
            Kind::Other,
        ),
        (
            "failed to lookup address information: Name or service not known",
            "no-such-host",
            Kind::Other,
        ),
        (
            "failed to lookup address information: Temporary failure in name resolution",
            "connection-lost",
            Kind::Passing,
        ),
        (
            "tcp connect error: Connection refused (os error 111)",
            "connection-refused",
            Kind::Passing,
        ),
        ("something new", "no-answer", Kind::Passing),
    ] {
        let found = of_silence(why, &circumstances(&context, &name));
        assert_eq!((found.id, found.kind), (id, kind), "{why}");
    }
}
