//! The certificate authorities that are trusted beside the machine's own.

use reqwest::tls::Certificate;

/// Certificate authorities beside the machine's own, each in PEM.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<String>);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// When the text holds no certificate, or one that cannot be read.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        const END: &str = "-----END CERTIFICATE-----";
        let text = String::from_utf8_lossy(pem);
        let blocks: Vec<String> = text
            .split_inclusive(END)
            .filter_map(|block| {
                Some(block[block.find("-----BEGIN CERTIFICATE-----")?..].to_owned())
            })
            .collect();
        if blocks.is_empty() {
            return Err("holds no certificate in PEM".to_owned());
        }
        for block in &blocks {
            Certificate::from_pem(block.as_bytes()).map_err(|error| error.to_string())?;
        }
        Ok(Self(blocks))
    }

    /// True when there are none beside the machine's own.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The certificates one by one, in PEM.
    pub fn pem(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
