//! stub
use crate::error::InputProblem;
#[derive(Clone, Debug, Default)]
pub struct MetadataInputs {
    pub images: Vec<String>,
    pub levels: Vec<String>,
}
#[derive(Clone, Debug, Default)]
pub struct RawMetadata<'a> {
    pub images: &'a str,
    pub tags: &'a str,
    pub flavor: &'a str,
    pub labels: &'a str,
    pub annotations: &'a str,
    pub short_sha_length: &'a str,
    pub annotations_levels: &'a str,
}
impl MetadataInputs {
    pub fn parse(raw: &RawMetadata) -> Result<Self, Vec<InputProblem>> {
        Ok(Self {
            images: raw.images.lines().map(str::to_owned).collect(),
            levels: vec![],
        })
    }
    pub fn enabled_images(&self) -> impl Iterator<Item = &str> {
        self.images.iter().map(String::as_str)
    }
}
