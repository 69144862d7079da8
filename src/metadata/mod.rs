//! stub
use crate::{event::*, input::MetadataInputs};
use serde_json::Value;
#[derive(Clone, Debug, Default)]
pub struct Repository {
    pub name: String,
    pub full_name: String,
    pub html_url: String,
    pub description: Option<String>,
    pub license: Option<String>,
    pub default_branch: Option<String>,
    pub private: Option<bool>,
}
impl Repository {
    pub fn from_payload(p: &Payload) -> Option<Self> {
        let _ = p;
        Some(Self::default())
    }
    pub fn of(full: &str, server: &str) -> Self {
        let _ = (full, server);
        Self::default()
    }
    pub fn from_json(v: &Value) -> Self {
        let _ = v;
        Self::default()
    }
}
pub fn needs_commit_date(_: &MetadataInputs) -> bool {
    false
}
pub fn commit_date(_: &Payload, _: &str) -> Option<jiff::Timestamp> {
    None
}
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub version: Option<String>,
    pub images: Vec<String>,
    pub tag_names: Vec<String>,
    pub tags: Vec<String>,
    pub labels: Vec<String>,
    pub annotations: Vec<String>,
}
impl Metadata {
    pub fn outputs(&self, _: &MetadataInputs) -> Vec<(String, String)> {
        vec![]
    }
}
