//! What ghcr.io answers, and the row that explains it.

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
