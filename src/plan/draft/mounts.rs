//! Paths of inputs in a step that is an image: where no mount reaches one, the
//! build would read nothing there, or its result would go with the container.

use crate::input::CacheEntry;
use std::path::Path;

use crate::error::InputProblem;
use crate::facts::Paths;
use crate::input::Inputs;
use crate::input::address::layout_folder;
use crate::plan::cache::model::Cache;
use crate::plan::image::context::{BuildContext, ContextKind, is_remote};

const ACCEPTED: &str = "a path in the workspace (/github/workspace) or below `${{ runner.temp }}`, \
    which this step shares with the machine";

/// Every path that cannot be reached.
pub fn problems(
    inputs: &Inputs,
    cache: &Cache,
    context: &BuildContext,
    build_contexts: &[String],
    paths: &Paths,
) -> Vec<InputProblem> {
    if paths.mounts.is_none() {
        return Vec::new();
    }
    let mut named: Vec<(&str, &str, String)> = Vec::new();
    if context.kind == ContextKind::Local {
        named.push(("context", &context.location, context.location.clone()));
        let file = inputs.file.as_deref().filter(|file| !is_remote(file));
        named.extend(file.map(|file| ("file", file, file.to_owned())));
    }
    for given in build_contexts {
        let place = given.split_once('=').map(|(_, place)| local_place(place));
        named.extend(
            place
                .flatten()
                .map(|path| ("build-contexts", given.as_str(), path)),
        );
    }
    for file in &inputs.build.secrets.files {
        named.push(("secret-files", &file.from, file.from.clone()));
    }
    for given in &inputs.build.ssh {
        let sockets = agents(given, paths).into_iter();
        named.extend(sockets.map(|path| ("ssh", given.as_str(), path)));
    }
    for output in &inputs.build.outputs {
        let path = output.path().filter(|path| !matches!(*path, "" | "-"));
        named.extend(path.map(|path| ("outputs", output.text.as_str(), path.to_owned())));
    }
    for (input, entries) in [("cache-from", &cache.from), ("cache-to", &cache.to)] {
        for given in entries {
            let folders = cache_folders(given).into_iter();
            named.extend(folders.map(|path| (input, given.text(), path)));
        }
    }
    named
        .into_iter()
        .filter(|(_, _, path)| !paths.reaches(path))
        .map(|(input, given, path)| {
            let what = if path == *given {
                String::new()
            } else {
                format!("{path} ")
            };
            let why = match input {
                "outputs" | "cache-to" => {
                    "would be written in the container of this step, and go with it"
                }
                _ => "is not to be seen from the container of this step",
            };
            let why = format!("{what}{why}");
            InputProblem::new(input, given, why, ACCEPTED)
        })
        .collect()
}

/// The folder that a build context is in, when it is one of this machine.
fn local_place(place: &str) -> Option<String> {
    if let Some(folder) = layout_folder(place) {
        return Some(folder.to_owned());
    }
    let is_elsewhere = is_remote(place) || place.starts_with("target:") || place.is_empty();
    (!is_elsewhere).then(|| place.to_owned())
}

/// The sockets and keys of `ID[=PATH[,PATH]]`; without a path that of the agent.
fn agents(given: &str, paths: &Paths) -> Vec<String> {
    let expanded = |path: &str| match (path.strip_prefix("~/"), &paths.home) {
        (Some(rest), Some(home)) => home.join(rest).display().to_string(),
        _ => path.to_owned(),
    };
    match given.split_once('=') {
        Some((_, path)) => path.split(',').map(expanded).collect(),
        // Of `ID=PATH,PATH` the list has made entries of their own.
        None if Path::new(given).is_absolute() || given.starts_with("~/") => vec![expanded(given)],
        None => paths.ssh_agent.iter().cloned().collect(),
    }
}

/// The folders of `type=local,src=…` and `type=local,dest=…`.
fn cache_folders(entry: &CacheEntry) -> Vec<String> {
    let folders = ["src", "dest"].into_iter();
    folders
        .filter(|_| entry.kind() == "local")
        .filter_map(|name| entry.attribute(name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::build::inputs::BuildInputs;
    use crate::input::build::output::Output;
    use crate::input::build::secrets::BuildSecrets;
    use crate::input::build::secrets::SecretSource;
    use crate::input::grammar::list::Entry;

    fn inside() -> Paths {
        Paths {
            directory: "/github/workspace".into(),
            ssh_agent: Some("/tmp/ssh-x/agent.1".to_owned()),
            home: Some("/github/home".into()),
            mounts: Some(vec![
                "/github/workspace".into(),
                "/github/runner_temp".into(),
            ]),
            ..Paths::default()
        }
    }

    fn context(location: &str) -> BuildContext {
        BuildContext {
            location: location.to_owned(),
            kind: ContextKind::Local,
            reason: String::new(),
        }
    }

    fn inputs(place: &str) -> Inputs {
        let output = Entry {
            text: format!("type=local,dest={place}/out"),
            ..Entry::default()
        };
        let text = |text: &str| vec![text.replace("PLACE", place)];
        Inputs {
            file: Some(format!("{place}/Dockerfile")),
            cache_from: vec![format!("type=local,src={place}/c").into()],
            cache_to: vec![format!("type=local,dest={place}/c,mode=max").into()],
            build: BuildInputs {
                outputs: vec![Output::parse(&output).unwrap()],
                ssh: text("id=PLACE/agent"),
                secrets: BuildSecrets {
                    files: vec![SecretSource {
                        id: "S".to_owned(),
                        from: format!("{place}/s"),
                    }],
                    ..BuildSecrets::default()
                },
                ..BuildInputs::default()
            },
            ..Inputs::default()
        }
    }

    fn names(inputs: &Inputs, place: &str, paths: &Paths) -> Vec<String> {
        let contexts = [
            format!("a={place}"),
            format!("b=oci-layout://{place}/l:tag@sha256:abc"),
            "c=docker-image://alpine:3".to_owned(),
            "d=target:base".to_owned(),
        ];
        let problems = problems(
            inputs,
            &Cache::given(inputs),
            &context(place),
            &contexts,
            paths,
        );
        problems.into_iter().map(|problem| problem.input).collect()
    }

    #[test]
    fn every_path_that_no_mount_reaches_is_named() {
        let all = [
            "context",
            "file",
            "build-contexts",
            "build-contexts",
            "secret-files",
            "ssh",
            "outputs",
            "cache-from",
            "cache-to",
        ];
        assert_eq!(names(&inputs("/tmp"), "/tmp", &inside()), all);
        let none: [&str; 0] = [];
        for place in ["/github/runner_temp", ".", "sub", "/github/workspace/x"] {
            assert_eq!(names(&inputs(place), place, &inside()), none, "{place}");
        }
        assert_eq!(names(&inputs("/tmp"), "/tmp", &Paths::default()), none);
    }

    #[test]
    fn the_agents_own_socket_counts_where_no_path_is_given() {
        for (given, count) in [
            ("default", 1),
            ("id=~/key", 0),
            ("id=/tmp/a", 1),
            ("/tmp/b", 1),
        ] {
            let inputs = Inputs {
                build: BuildInputs {
                    ssh: vec![given.to_owned()],
                    ..BuildInputs::default()
                },
                ..Inputs::default()
            };
            let mut paths = inside();
            paths.mounts.as_mut().unwrap().push("/github/home".into());
            let found = problems(&inputs, &Cache::default(), &context("."), &[], &paths);
            assert_eq!(found.len(), count, "{given}: {found:?}");
        }
    }

    #[test]
    fn the_problem_names_a_place_that_works() {
        let inputs = inputs("/tmp");
        let cache = Cache::given(&inputs);
        let problem = problems(&inputs, &cache, &context("."), &[], &inside())
            .pop()
            .unwrap();
        let text = problem.to_string();
        assert!(text.contains("type=local,dest=/tmp/c,mode=max"), "{text}");
        assert!(
            text.contains("/tmp/c would be written in the container"),
            "{text}"
        );
        assert!(text.contains("/github/workspace"), "{text}");
    }
}
