//! What buildx tells of the result of a build.

use serde_json::Value;

use crate::execute::buildx::build_check::BuildCheck;
use crate::image::Digest;

/// What buildx told of the result in its metadata file.
#[derive(Debug, Default)]
pub struct BuildResult {
    /// The file without what checks found, empty when buildx wrote none.
    pub metadata: String,
    /// `containerimage.digest`: of the index, or of the one manifest.
    pub digest: Option<Digest>,
    /// `containerimage.config.digest` for one platform, else the digest.
    pub image_id: Option<Digest>,
    /// What BuildKit's checks of the Dockerfile found.
    pub checks: Vec<BuildCheck>,
}

impl BuildResult {
    /// Says what the image is called, as buildx does of one that it has pushed under
    /// its names.
    pub fn name(&mut self, names: &[String]) {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(&self.metadata) else {
            return;
        };
        fields.insert("image.name".to_owned(), names.join(",").into());
        self.metadata = Value::Object(fields).to_string();
    }
}
