/*
 * tls_text: what went wrong, in words, and which alert tells the peer (RFC 5246 section 7.2).
 *
 * The texts say what an administrator can do something about; kinds of damage that differ
 * only for a parser share one.
 */
#include "proto/tls_impl.h"

/* The alerts of RFC 5246 section 7.2 that are sent or told. */
enum {
	UNEXPECTED = 10,
	BAD_MAC = 20,
	OVERFLOW = 22,
	NO_HANDSHAKE = 40,
	BAD_CERT = 42,
	UNSUPPORTED_CERT = 43,
	EXPIRED = 45,
	UNKNOWN_CERT = 46,
	ILLEGAL = 47,
	UNKNOWN_CA = 48,
	DECODE = 50,
	DECRYPT = 51,
	VERSION = 70,
	INTERNAL = 80,
};

static const struct text {
	uint16_t err;
	uint8_t alert;
	const char *text;
} texts[] = {
    {BR_ERR_BAD_PARAM, DECODE, "damaged handshake message"},
    {BR_ERR_UNSUPPORTED_VERSION, VERSION, "the peer does not speak TLS 1.2 (or not TLS)"},
    {BR_ERR_BAD_VERSION, VERSION, "the peer changed the protocol version on the way"},
    {BR_ERR_BAD_LENGTH, OVERFLOW, "record of an impossible length (not TLS?)"},
    {BR_ERR_TOO_LARGE, OVERFLOW, "record too large"},
    {BR_ERR_BAD_MAC, BAD_MAC, "record damaged or forged"},
    {BR_ERR_NO_RANDOM, INTERNAL, "no randomness was given"},
    {BR_ERR_UNEXPECTED, UNEXPECTED, "unexpected message (not TLS, or out of order)"},
    {BR_ERR_BAD_CIPHER_SUITE, ILLEGAL, "the server chose a cipher that was not offered"},
    {BR_ERR_BAD_SECRENEG, NO_HANDSHAKE, "damaged secure renegotiation extension"},
    {BR_ERR_LIMIT_EXCEEDED, INTERNAL, "something in the handshake is larger than supported"},
    {BR_ERR_BAD_FINISHED, DECRYPT, "the handshake was tampered with"},
    {BR_ERR_INVALID_ALGORITHM, NO_HANDSHAKE, "no curve or signature that both sides support"},
    {BR_ERR_BAD_SIGNATURE, DECRYPT, "bad signature on the server's key exchange"},
    {BR_ERR_WRONG_KEY_USAGE, UNSUPPORTED_CERT, "the certificate's key is not of the chosen kind"},
    {BR_ERR_X509_UNSUPPORTED, UNSUPPORTED_CERT,
     "certificate with an unsupported kind of key or signature (SHA-1, PSS, Ed25519, ...)"},
    {BR_ERR_X509_LIMIT_EXCEEDED, UNSUPPORTED_CERT, "certificate with too large a key"},
    {BR_ERR_X509_WRONG_KEY_TYPE, BAD_CERT, "certificate signed by another kind of key"},
    {BR_ERR_X509_BAD_SIGNATURE, BAD_CERT, "bad signature on a certificate"},
    {BR_ERR_X509_EXPIRED, EXPIRED, "certificate expired or not yet valid (check the clock)"},
    {BR_ERR_X509_DN_MISMATCH, BAD_CERT, "certificate chain out of order"},
    {BR_ERR_X509_BAD_SERVER_NAME, BAD_CERT, "certificate is for another name"},
    {BR_ERR_X509_CRITICAL_EXTENSION, UNSUPPORTED_CERT,
     "certificate with an unsupported critical extension"},
    {BR_ERR_X509_NOT_CA, UNKNOWN_CA, "a certificate in the chain is no authority"},
    {BR_ERR_X509_FORBIDDEN_KEY_USAGE, UNSUPPORTED_CERT, "certificate must not be used for this"},
    {BR_ERR_X509_WEAK_PUBLIC_KEY, BAD_CERT, "certificate with an RSA key of less than 2048 bits"},
    {BR_ERR_X509_NOT_TRUSTED, UNKNOWN_CA, "certificate is not signed by a trusted authority"},
    {TLS_ERR_PIN, BAD_CERT, "certificate and key differ from the configured pin"},
    {TLS_ERR_NO_ANCHORS, UNKNOWN_CA, "no certificate authorities are configured (CA bundle)"},
    {TLS_ERR_NO_NAME, BAD_CERT,
     "the server is known by address only, and certificates are checked by name"},
    {TLS_ERR_SELF_SIGNED, UNKNOWN_CA, "certificate is self-signed and not trusted"},
    {TLS_ERR_SIGN, INTERNAL, "the signature for the handshake could not be made"},
    {TLS_ERR_NO_SUITE, NO_HANDSHAKE, "no cipher suite or signature that both sides support"},
    /* Alerts of the peer need none in return. */
    {BR_ERR_RECV_FATAL_ALERT + NO_HANDSHAKE, 0,
     "the peer refused: handshake failure (no common version or cipher; TLS 1.3 only?)"},
    {BR_ERR_RECV_FATAL_ALERT + BAD_CERT, 0, "the peer refused: bad certificate"},
    {BR_ERR_RECV_FATAL_ALERT + UNSUPPORTED_CERT, 0, "the peer refused: unsupported certificate"},
    {BR_ERR_RECV_FATAL_ALERT + EXPIRED, 0, "the peer refused: certificate expired"},
    {BR_ERR_RECV_FATAL_ALERT + UNKNOWN_CERT, 0, "the peer refused: certificate unknown"},
    {BR_ERR_RECV_FATAL_ALERT + UNKNOWN_CA, 0, "the peer refused: unknown authority"},
    {BR_ERR_RECV_FATAL_ALERT + VERSION, 0, "the peer refused: protocol version (TLS 1.3 only?)"},
};

static const struct text *find(int err)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].err == err)
			return &texts[i];
	return NULL;
}

const char *tls_text(int err)
{
	const struct text *t = find(err);

	if (!err)
		return "";
	/* No text of its own: the ranges of bearssl_ssl.h say what kind of error it is. */
	if (t)
		return t->text;
	if (err >= BR_ERR_SEND_FATAL_ALERT)
		return "no version, cipher suite or curve that both sides support";
	if (err >= BR_ERR_RECV_FATAL_ALERT)
		return "the peer refused with an alert";
	if (err > BR_ERR_X509_OK)
		return "certificate does not decode";
	return "the peer broke the protocol";
}

unsigned tls_text_alert(int err)
{
	const struct text *t = find(err);

	if (t)
		return t->alert;
	return err > BR_ERR_X509_OK ? BAD_CERT : DECODE;
}
