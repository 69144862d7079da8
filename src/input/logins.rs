//! Logins that stand in addresses, taken out of all inputs.

use crate::error::InputProblem;
use crate::input::address::{Address, Logins};
use crate::input::inputs::Inputs;

impl Inputs {
    /// Takes the logins out of the addresses of contexts.
    pub fn take_logins(&mut self) -> Vec<InputProblem> {
        let mut logins = Logins::default();
        let mut problems = Vec::new();
        if let Some(context) = &mut self.context {
            problems.extend(logins.take("context", context).err());
        }
        for entry in &mut self.build.build_contexts {
            let taken = logins.take("build-contexts", &mut entry.text);
            problems.extend(
                taken
                    .err()
                    .map(|problem| problem.at(entry.line, entry.column)),
            );
        }
        if let Some(file) = &mut self.file
            && let Some(address) = Address::find(file)
        {
            // A Dockerfile is not a repository.
            logins
                .left
                .push(("file".to_owned(), address.host.to_owned()));
            logins.hide(file);
        }
        // They are taken out where the bake files are read.
        let set = self.bake.iter().flat_map(|bake| &bake.set);
        let endpoints = self
            .own_builder
            .nodes()
            .filter_map(|node| node.endpoint.as_ref());
        for text in set.chain(endpoints) {
            logins.hide(text);
        }
        self.logins = logins;
        problems
    }
}
