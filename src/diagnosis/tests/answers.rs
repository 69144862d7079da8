//! Answers of registries in, diagnoses out.

use crate::diagnosis::tests::*;
use crate::image::Access;
use crate::registry::Refusal;

const SETTINGS: &str = "https://github.com/orgs/acme/packages/container/app/settings";
const POLICY: &str = "https://github.com/organizations/acme/settings/packages";
const ACTIONS: &str = "https://github.com/Acme/app/settings/actions";
const TOKENS: &str = "https://github.com/settings/tokens";

#[test]
fn each_answer_of_github_has_its_row() {
    use Kind::{Denied, Other, Passing};
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    let known = circumstances(&context, &name);
    for (status, code, message, id, kind, link) in [
        (
            403,
            "DENIED",
            "You have exceeded a secondary rate limit",
            "github-secondary-limit",
            Passing,
            None,
        ),
        (
            403,
            "DENIED",
            "not_found: owner not found",
            "github-no-such-owner",
            Denied,
            None,
        ),
        (
            403,
            "DENIED",
            "requested installation does not exist",
            "github-other-account-of-cache",
            Denied,
            None,
        ),
        (
            403,
            "DENIED",
            "permission_denied: The token provided does not match expected scopes.",
            "github-scopes",
            Denied,
            Some(TOKENS),
        ),
        (
            403,
            "DENIED",
            "permission_denied: write_package",
            "github-package-access",
            Denied,
            Some(SETTINGS),
        ),
        (
            403,
            "DENIED",
            "permission_denied: read_package",
            "github-package-access",
            Denied,
            Some(SETTINGS),
        ),
        (
            403,
            "DENIED",
            "installation not allowed to Create organization package",
            "github-create-in-organisation",
            Denied,
            Some(POLICY),
        ),
        (
            403,
            "DENIED",
            "installation not allowed to Write organization package",
            "github-write-in-organisation",
            Denied,
            Some(POLICY),
        ),
        (
            401,
            "UNAUTHORIZED",
            "unauthenticated: User cannot be authenticated with the token provided.",
            "github-token-revoked",
            Denied,
            None,
        ),
        (
            403,
            "DENIED",
            "denied",
            "github-denied",
            Denied,
            Some(SETTINGS),
        ),
        (
            401,
            "UNAUTHORIZED",
            "authentication required",
            "unauthorized",
            Denied,
            None,
        ),
        (
            400,
            "NAME_INVALID",
            "name invalid",
            "name-invalid",
            Denied,
            None,
        ),
        (
            400,
            "NAME_INVALID",
            "repository name must be lowercase",
            "name-upper-case",
            Denied,
            None,
        ),
        (
            404,
            "BLOB_UPLOAD_UNKNOWN",
            "blob upload unknown to registry",
            "github-upload-expired",
            Passing,
            None,
        ),
        (
            413,
            "UNKNOWN",
            "too large",
            "github-layer-too-large",
            Other,
            None,
        ),
        (
            429,
            "TOOMANYREQUESTS",
            "retry-after: 1.02ms, allowed: 44000/minute",
            "github-limit",
            Passing,
            None,
        ),
        (502, "UNKNOWN", "", "server-error", Passing, None),
        (418, "TEAPOT", "short and stout", "unknown", Other, None),
    ] {
        let found = of_refusal(&refusal(status, code, message), &known);
        let link = link.map(str::to_owned);
        assert_eq!(
            (found.id, found.kind, found.link),
            (id, kind, link),
            "{message}"
        );
    }
}

#[test]
fn the_event_comes_before_permission_and_policy() {
    let name = image("ghcr.io/acme/app");
    let of = OwnerKind::Organization;
    let missing = Package {
        permission: Permission::Missing,
        ..Package::default()
    };
    let present = Package {
        permission: Permission::Present,
        ..Package::default()
    };
    for (context, package, id, link) in [
        (fork(), Some(&missing), "github-read-only-fork", None),
        (
            dependabot(),
            Some(&missing),
            "github-read-only-dependabot",
            None,
        ),
        (
            context(of),
            Some(&missing),
            "github-permission-missing",
            None,
        ),
        (
            context(of),
            Some(&present),
            "github-write-in-organisation",
            Some(POLICY),
        ),
        (
            context(of),
            None,
            "github-write-in-organisation",
            Some(POLICY),
        ),
        (
            context(OwnerKind::User),
            None,
            "github-read-only-of-user",
            Some(ACTIONS),
        ),
        (
            context(OwnerKind::Unknown),
            None,
            "github-read-only",
            Some(ACTIONS),
        ),
    ] {
        let known = Circumstances {
            package,
            ..circumstances(&context, &name)
        };
        let message = "installation not allowed to Write organization package";
        let found = of_refusal(&refusal(403, "DENIED", message), &known);
        assert_eq!((found.id, found.link.as_deref()), (id, link));
        assert_eq!(found.kind, Kind::Denied);
    }
}

#[test]
fn a_pull_request_target_of_a_fork_has_a_token_that_may_write() {
    let name = image("ghcr.io/acme/app");
    let context = RunContext {
        event_name: "pull_request_target".to_owned(),
        ..fork()
    };
    let found = of_refusal(
        &refusal(403, "DENIED", "denied"),
        &circumstances(&context, &name),
    );
    assert_eq!(found.id, "github-denied");
}

#[test]
fn what_a_token_may_not_read_is_no_matter_of_the_event() {
    let (context, name) = (fork(), image("ghcr.io/acme/app"));
    let body = r#"{"code":"DENIED","message":"denied"}"#;
    let refusal = Refusal::new(Stage::Token, 403, body, []);
    for (access, login, id) in [
        (Access::Push, Login::GithubToken, "github-denied-fork"),
        (Access::CacheRead, Login::GithubToken, "github-token-denied"),
        (Access::Base, Login::None, "github-no-login-to-read"),
    ] {
        let known = Circumstances {
            access,
            login,
            ..circumstances(&context, &name)
        };
        assert_eq!(of_refusal(&refusal, &known).id, id);
    }
}

#[test]
fn the_credential_decides_who_gets_the_role() {
    let context = context(OwnerKind::Organization);
    let name = image("ghcr.io/acme/app");
    let elsewhere = Package {
        linked: Some("acme/old".to_owned()),
        ..Package::default()
    };
    for (login, package, id, says) in [
        (
            Login::GithubToken,
            None,
            "github-package-access",
            "Acme/app",
        ),
        (
            Login::DockerConfig,
            None,
            "github-package-access",
            "Acme/app",
        ),
        (
            Login::GithubToken,
            Some(&elsewhere),
            "github-package-access-linked",
            "acme/old",
        ),
        (
            Login::Password,
            None,
            "github-package-access-of-password",
            "user of the password",
        ),
        (
            Login::RegistryAuth,
            None,
            "github-package-access-of-password",
            "user of the password",
        ),
    ] {
        let known = Circumstances {
            login,
            package,
            ..circumstances(&context, &name)
        };
        let refusal = refusal(403, "DENIED", "permission_denied: write_package");
        let found = of_refusal(&refusal, &known);
        assert_eq!((found.id, found.link.as_deref()), (id, Some(SETTINGS)));
        assert!(found.to_string().contains(says), "{found}");
    }
}

#[test]
fn without_a_login_the_advice_is_to_give_one() {
    let context = context(OwnerKind::Organization);
    for (text, access, id) in [
        ("ghcr.io/acme/app", Access::Push, "github-no-login-to-write"),
        (
            "ghcr.io/acme/app",
            Access::CacheRead,
            "github-no-login-to-read",
        ),
        ("registry.example.com/acme/app", Access::Push, "no-login"),
    ] {
        let name = image(text);
        let known = Circumstances {
            access,
            login: Login::None,
            ..circumstances(&context, &name)
        };
        let refusal = refusal(401, "UNAUTHORIZED", "authentication required");
        assert_eq!(of_refusal(&refusal, &known).id, id, "{text}");
    }
}

#[test]
fn each_answer_of_another_registry_has_its_row() {
    use Kind::{Denied, Other, Passing};
    let context = context(OwnerKind::Organization);
    for (name, status, code, message, id, kind) in [
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
fn a_bare_denial_of_github_is_told_by_the_run() {
    let name = image("ghcr.io/acme/app");
    let missing = Package {
        permission: Permission::Missing,
        ..Package::default()
    };
    let plain = context(OwnerKind::Organization);
    for (context, package, id) in [
        (fork(), None, "github-denied-fork"),
        (dependabot(), None, "github-denied-dependabot"),
        (plain.clone(), Some(&missing), "github-denied-permission"),
        (plain, None, "github-denied"),
    ] {
        let known = Circumstances {
            package,
            ..circumstances(&context, &name)
        };
        for body in ["", r#"{"errors":[{"code":"DENIED","message":"denied"}]}"#] {
            let refusal = Refusal::new(Stage::Upload, 403, body, []);
            assert_eq!(of_refusal(&refusal, &known).id, id);
        }
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
fn the_api_tells_whose_another_account_s_package_is() {
    let (context, name) = (context(OwnerKind::User), image("ghcr.io/else/app"));
    let package = Package {
        owner: OwnerKind::Organization,
        ..Package::default()
    };
    let known = Circumstances {
        package: Some(&package),
        ..circumstances(&context, &name)
    };
    let refusal = refusal(403, "DENIED", "permission_denied: write_package");
    let link = of_refusal(&refusal, &known).link.unwrap();
    assert_eq!(
        link,
        "https://github.com/orgs/else/packages/container/app/settings"
    );
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

#[test]
fn github_s_words_are_known_on_hosts_that_are_not() {
    let context = RunContext {
        server_url: "https://github.example.com".to_owned(),
        ..context(OwnerKind::Organization)
    };
    let name = image("containers.github.example.com/acme/app");
    let known = circumstances(&context, &name);
    let found = of_refusal(
        &refusal(403, "DENIED", "permission_denied: write_package"),
        &known,
    );
    let settings = SETTINGS.replace("github.com", "github.example.com");
    assert_eq!(found.link, Some(settings));
    let body = r#"{"code":"DENIED","message":"denied"}"#;
    let found = of_refusal(&Refusal::new(Stage::Token, 403, body, []), &known);
    assert_eq!(found.id, "token-denied");
}
