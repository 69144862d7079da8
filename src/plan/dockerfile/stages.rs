//! The stages of a Dockerfile: what each begins from, on which platform it is, and
//! which of them a target needs.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use parse_dockerfile::{Dockerfile, Flag, Instruction, Stage};

use crate::image::Platform;
use crate::plan::dockerfile::variables::{self, BUILDERS_OWN, Scope, WorkBudget};

/// The stages with what they are made of.
pub struct Stages<'text, 'file> {
    stages: Vec<Stage<'text, 'file>>,
    /// They, by their names in small letters.
    names: &'file HashMap<String, usize>,
    /// For each, the stage that it begins from.
    bases: Vec<Option<usize>>,
    /// The images that stages begin from.
    images: BTreeSet<String>,
    /// For each, its platform; `None` is the builder's own.
    platforms: Vec<Option<Rc<Platform>>>,
}

impl<'text, 'file> Stages<'text, 'file> {
    pub fn read(
        file: &'file Dockerfile<'text>,
        names: &'file HashMap<String, usize>,
        scope: &Scope,
        target: &Platform,
        work: &mut WorkBudget,
    ) -> Option<Self> {
        let target = Rc::new(target.clone());
        let mut read = Self {
            stages: file.stages().collect(),
            names,
            bases: Vec::new(),
            images: BTreeSet::new(),
            platforms: Vec::new(),
        };
        let froms: Vec<_> = read.stages.iter().map(|stage| stage.from).collect();
        for (index, from) in froms.into_iter().enumerate() {
            let image = variables::expand(&from.image.value, scope, work)?;
            let base = read.find(&image, index, work)?;
            let given = option(&from.options, "platform");
            let platform = match (base, given) {
                (Some(base), _) => read.platforms.get(base)?.clone(),
                (None, None) => Some(target.clone()),
                (None, Some(text)) => {
                    let text = variables::expand(text, scope, work)?;
                    if text.contains(BUILDERS_OWN) {
                        None
                    } else {
                        Some(Rc::new(text.parse().ok()?))
                    }
                }
            };
            if base.is_none() {
                read.images.insert(image);
            }
            read.bases.push(base);
            read.platforms.push(platform);
        }
        Some(read)
    }

    /// The stage of this name or number before `before`: `Some(None)` for an
    /// image from elsewhere, `None` when that is not known.
    #[allow(clippy::option_option, reason = "nothing, and nothing known, differ")]
    fn find(&self, name: &str, before: usize, work: &mut WorkBudget) -> Option<Option<usize>> {
        work.spend(name.len().saturating_add(1))?;
        if name.contains('$') || name.contains(BUILDERS_OWN) {
            return None;
        }
        if let Ok(number) = name.parse::<usize>() {
            return Some((number < before).then_some(number));
        }
        let found = self.names.get(&name.to_ascii_lowercase()).copied();
        Some(found.filter(|index| *index < before))
    }

    /// Where the stages run commands that the target needs: each its own, and those
    /// that the stage it begins from has left for it. `None` is the builder's own
    /// platform.
    pub fn run_by(
        &self,
        target: Option<&str>,
        work: &mut WorkBudget,
    ) -> Option<BTreeSet<Option<Platform>>> {
        let count = self.stages.len();
        let last = match target {
            None => count.checked_sub(1)?,
            Some(name) => self.find(name, count, work)??,
        };
        let mut needed = BTreeSet::new();
        let mut platforms = BTreeSet::new();
        let mut open = vec![last];
        while let Some(index) = open.pop() {
            if !needed.insert(index) {
                continue;
            }
            let base = *self.bases.get(index)?;
            open.extend(base);
            let base = base.map_or(&[][..], |base| self.instructions(base));
            work.spend(base.len())?;
            let left = base.iter().filter_map(|instruction| match instruction {
                Instruction::Onbuild(left) => Some(&*left.instruction),
                _ => None,
            });
            let mut runs = false;
            for instruction in left.chain(self.instructions(index)) {
                work.spend(cost(instruction))?;
                runs |= matches!(instruction, Instruction::Run(_));
                for source in sources_of(instruction) {
                    open.extend(self.find(source, index, work)?);
                }
            }
            if runs {
                platforms.insert(self.platforms.get(index)?.as_deref().cloned());
            }
        }
        Some(platforms)
    }

    /// The images that stages begin from or copy from.
    pub fn images(mut self, work: &mut WorkBudget) -> Option<BTreeSet<String>> {
        for index in 0..self.stages.len() {
            for instruction in self.instructions(index) {
                work.spend(cost(instruction))?;
                for source in sources_of(instruction) {
                    if self.find(source, index, work)?.is_none() {
                        self.images.insert(source.to_owned());
                    }
                }
            }
        }
        self.images.remove("scratch");
        Some(self.images)
    }

    fn instructions(&self, index: usize) -> &'file [Instruction<'text>] {
        let stage = self.stages.get(index);
        stage.map_or(&[][..], |stage| stage.instructions)
    }
}

/// The work to look at an instruction, flags included.
fn cost(instruction: &Instruction<'_>) -> usize {
    let flags: &[Flag<'_>] = match instruction {
        Instruction::Copy(copy) => &copy.options,
        Instruction::Run(run) => &run.options,
        _ => &[],
    };
    let values = flags.iter().filter_map(|flag| flag.value.as_ref());
    let lengths = values.map(|value| value.value.len().saturating_add(1));
    lengths.fold(1, usize::saturating_add)
}

/// The stages or images that an instruction takes files from.
fn sources_of<'file>(instruction: &'file Instruction<'_>) -> Vec<&'file str> {
    match instruction {
        Instruction::Copy(copy) => option(&copy.options, "from").into_iter().collect(),
        Instruction::Run(run) => {
            let mounts = run.options.iter().filter(|flag| flag.name.value == "mount");
            let fields = mounts
                .filter_map(|flag| flag.value.as_ref())
                .flat_map(|value| value.value.split(','));
            fields
                .filter_map(|field| field.trim_matches('"').strip_prefix("from="))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn option<'a>(flags: &'a [Flag<'_>], name: &str) -> Option<&'a str> {
    let flag = flags.iter().find(|flag| flag.name.value == name)?;
    flag.value.as_ref().map(|value| value.value.as_ref())
}
