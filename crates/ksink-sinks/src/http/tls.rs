//! How the server of an `https://` output is known, and how we are known to it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
    sign::{CertifiedKey, SingleCertAndKey},
};

/// Which files say how an `https://` output is encrypted. TLS is 1.2 or newer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// What we show to a server that asks who we are.
    pub identity: Option<TlsIdentity>,
    /// Certificates (PEM) of those who vouch for the server; without it, those that the system trusts.
    pub ca: Option<PathBuf>,
    /// Takes whatever certificate the server shows, for tests: anybody may be in between.
    pub skip_verify: bool,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsIdentity {
    /// Our certificate, followed by those that lead to one which the server knows.
    pub certificate: PathBuf,
    /// Its private key, without a password.
    pub key: PathBuf,
}

/// What was found in the files of [`TlsOptions`].
#[derive(Clone, Debug)]
pub struct Tls {
    identity: Option<Arc<SingleCertAndKey>>,
    trust: Trust,
}

/// Whose word on the server's name counts.
#[derive(Clone, Debug)]
enum Trust {
    /// Those that the system trusts.
    System,
    /// These alone.
    Only(Arc<RootCertStore>),
    /// The server's own.
    Anyone,
}

/// Why an output cannot be encrypted as it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    #[error("failed to load TLS {what} from {}: {cause}", path.display())]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What is wrong.
        cause: pem::Error,
    },
    /// A certificate cannot be used as one who vouches.
    #[error("failed to use a TLS CA certificate in {}: {cause}", path.display())]
    Ca {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        cause: rustls::Error,
    },
    /// A certificate and a key that are none, or do not belong together.
    #[error("failed to use TLS certificate {} with key {}: {cause}", certificate.display(), key.display())]
    Identity {
        /// Where the certificate is.
        certificate: PathBuf,
        /// Where the key is.
        key: PathBuf,
        /// What is wrong.
        cause: rustls::Error,
    },
    /// The system trusts nobody.
    #[error("this system has no CA certificates (name some for the output): {0}")]
    NoSystemCertificates(String),
}

impl TlsOptions {
    /// Reads the files, and makes sure that they can be used.
    ///
    /// # Errors
    /// When one cannot be read, or certificate and key do not belong together.
    pub fn load(&self) -> Result<Tls, TlsError> {
        let identity = self.identity.as_ref().map(TlsIdentity::load).transpose()?;
        let only = self.ca.as_deref().map(load_ca).transpose()?;
        let trust = match (self.skip_verify, only) {
            (true, _) => Trust::Anyone,
            (false, Some(only)) => Trust::Only(Arc::new(only)),
            (false, None) => Trust::System,
        };
        Ok(Tls { identity, trust })
    }
}

impl TlsIdentity {
    fn load(&self) -> Result<Arc<SingleCertAndKey>, TlsError> {
        let chain = load_certificates("certificate", &self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|cause| TlsError::File {
            what: "key",
            path: self.key.clone(),
            cause,
        })?;
        let identity = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let identity = identity.map_err(|cause| TlsError::Identity {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            cause,
        })?;
        Ok(Arc::new(identity.into()))
    }
}

impl Tls {
    /// What the TLS library needs.
    ///
    /// # Errors
    /// When the system's word counts, and it has nothing to say.
    pub(super) fn config(&self) -> Result<ClientConfig, TlsError> {
        let config = match &self.trust {
            Trust::System => builder().with_root_certificates(system_roots()?),
            Trust::Only(roots) => builder().with_root_certificates(roots.clone()),
            Trust::Anyone => builder().dangerous().with_custom_certificate_verifier(Arc::new(
                AnyCertificate(Arc::new(ring::default_provider())),
            )),
        };
        Ok(match &self.identity {
            Some(identity) => config.with_client_cert_resolver(identity.clone()),
            None => config.with_no_client_auth(),
        })
    }

    /// For an output that is not encrypted.
    pub(super) fn no_config() -> ClientConfig {
        builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    }
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for TLS 1.2 and 1.3")
}

fn load_certificates(
    what: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>());
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(pem::Error::NoItemsFound),
        certificates => certificates,
    }
    .map_err(|cause| TlsError::File { what, path: path.into(), cause })
}

fn load_ca(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in load_certificates("CA certificates", path)? {
        roots.add(certificate).map_err(|cause| TlsError::Ca { path: path.into(), cause })?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why =
            found.errors.first().map_or_else(|| "none were found".to_owned(), ToString::to_string);
        return Err(TlsError::NoSystemCertificates(why));
    }
    Ok(roots)
}

/// Takes every certificate, and still makes sure that the server has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
