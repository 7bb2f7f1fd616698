//! TLS 1.3, with a certificate from PEM texts.

use std::sync::Arc;
use thiserror::Error;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        Error as RustlsError, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        version::TLS13,
    },
};

/// What the server shows its clients. Cloning is cheap.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why certificate and key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// There is no certificate in the text, or one that cannot be read.
    #[error("the certificate chain is not PEM with at least one certificate")]
    Chain,
    /// There is no private key in the text.
    #[error("the private key is not PEM (PKCS #8, PKCS #1 or SEC 1)")]
    Key,
    /// Key and certificate do not belong together, or are of a kind that is not supported.
    #[error("certificate and key cannot be used together")]
    Unusable(#[source] RustlsError),
}

impl Tls {
    /// From a chain of certificates, the server's own first, and its private key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::Chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Key)?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]);
        let builder = builder.map_err(TlsError::Unusable)?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}
