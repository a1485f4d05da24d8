/*
 * Options: the names and letters of sendmail 8.17, and what they were set to; see
 * cf/cf.h.
 *
 * Values are kept as text for those who act on them.  Only what the engine itself
 * depends on (OperatorChars, BlankSub) acts here.
 */
#include "base/ascii.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

/* Letter ('-': none) and long name. */
static const char names[] = "7SevenBitInput\0"
			    "8EightBitMode\0"
			    "AAliasFile\0"
			    "aAliasWait\0"
			    "BBlankSub\0"
			    "bMinFreeBlocks\0"
			    "CCheckpointInterval\0"
			    "cHoldExpensive\0"
			    "dDeliveryMode\0"
			    "EErrorHeader\0"
			    "eErrorMode\0"
			    "FTempFileMode\0"
			    "fSaveFromLine\0"
			    "GMatchGECOS\0"
			    "g\0"
			    "HHelpFile\0"
			    "hMaxHopCount\0"
			    "IResolverOptions\0"
			    "iIgnoreDots\0"
			    "JForwardPath\0"
			    "jSendMimeErrors\0"
			    "kConnectionCacheSize\0"
			    "KConnectionCacheTimeout\0"
			    "lUseErrorsTo\0"
			    "LLogLevel\0"
			    "mMeToo\0"
			    "nCheckAliases\0"
			    "oOldStyleHeaders\0"
			    "ODaemonPortOptions\0"
			    "pPrivacyOptions\0"
			    "PPostmasterCopy\0"
			    "qQueueFactor\0"
			    "QQueueDirectory\0"
			    "RDontPruneRoutes\0"
			    "rTimeout\0"
			    "SStatusFile\0"
			    "sSuperSafe\0"
			    "TQueueTimeout\0"
			    "tTimeZoneSpec\0"
			    "UUserDatabaseSpec\0"
			    "uDefaultUser\0"
			    "VFallbackMXhost\0"
			    "vVerbose\0"
			    "wTryNullMXList\0"
			    "xQueueLA\0"
			    "XRefuseLA\0"
			    "yRecipientFactor\0"
			    "YForkEachJob\0"
			    "zClassFactor\0"
			    "ZRetryFactor\0"
			    "-QueueSortOrder\0"
			    "-HostsFile\0-Milter\0-MinQueueAge\0"
			    "-DefaultCharSet\0"
			    "-ServiceSwitchFile\0"
			    "-DialDelay\0"
			    "-NoRecipientAction\0"
			    "-SafeFileEnvironment\0"
			    "-MaxMessageSize\0"
			    "-ColonOkInAddr\0"
			    "-MaxQueueRunSize\0"
			    "-MaxDaemonChildren\0"
			    "-DontExpandCnames\0"
			    "-MustQuoteChars\0"
			    "-SmtpGreetingMessage\0"
			    "-UnixFromLine\0"
			    "-OperatorChars\0"
			    "-DontInitGroups\0"
			    "-SingleLineFromHeader\0"
			    "-AllowBogusHELO\0"
			    "-ConnectionRateThrottle\0"
			    "-UnsafeGroupWrites\0"
			    "-DoubleBounceAddress\0"
			    "-HostStatusDirectory\0"
			    "-SingleThreadDelivery\0"
			    "-RunAsUser\0"
			    "-RrtImpliesDsn\0"
			    "-PidFile\0"
			    "-DontBlameSendmail\0"
			    "-DontProbeInterfaces\0"
			    "-MaxRecipientsPerMessage\0"
			    "-DeadLetterDrop\0"
			    "-MaxAliasRecursion\0"
			    "-ConnectOnlyTo\0"
			    "-TrustedUser\0"
			    "-MaxMimeHeaderLength\0"
			    "-ControlSocketName\0"
			    "-MaxHeadersLength\0"
			    "-ProcessTitlePrefix\0"
			    "-DefaultAuthInfo\0"
			    "-AuthMechanisms\0"
			    "-ClientPortOptions\0"
			    "-DataFileBufferSize\0"
			    "-XscriptFileBufferSize\0"
			    "-ServerCertFile\0"
			    "-ServerKeyFile\0"
			    "-ClientCertFile\0"
			    "-ClientKeyFile\0"
			    "-CACertFile\0"
			    "-CACertPath\0"
			    "-DHParameters\0"
			    "-InputMailFilters\0"
			    "-AuthOptions\0"
			    "-QueueFileMode\0"
			    "-CertFingerprintAlgorithm\0"
			    "-CipherList\0"
			    "-RandFile\0"
			    "-TLSSrvOptions\0"
			    "-BadRcptThrottle\0"
			    "-DeliverByMin\0"
			    "-MaxQueueChildren\0"
			    "-MaxRunnersPerQueue\0"
			    "-DirectSubmissionModifiers\0"
			    "-NiceQueueRun\0"
			    "-SharedMemoryKey\0"
			    "-AuthMaxBits\0"
			    "-MailboxDatabase\0"
			    "-UseMSP\0"
			    "-DelayLA\0"
			    "-FastSplit\0"
			    "-SoftBounce\0"
			    "-SharedMemoryKeyFile\0"
			    "-RejectLogInterval\0"
			    "-RequiresDirfsync\0"
			    "-ConnectionRateWindowSize\0"
			    "-CRLFile\0"
			    "-FallbackSmartHost\0"
			    "-AuthRealm\0"
			    "-CRLPath\0"
			    "-HeloName\0-MaxNOOPCommands\0"
			    "-BadRcptShutdown\0"
			    "-BadRcptShutdownGood\0"
			    "-ServerSSLOptions\0"
			    "-ClientSSLOptions\0"
			    "-MaxQueueAge\0"
			    "-RejectNUL\0"
			    "-UseCompressedIPv6Addresses\0"
			    "-SSLEngine\0"
			    "-SSLEnginePath\0"
			    "-TLSFallbacktoClear\0"
			    "-SetCertAltnames\0"
			    "-SmtpUTF8\0"
			    "-StrictTransportSecurity\0"
			    "-CipherSuites\0"
			    "-LDAPDefaultSpec\0";

/* The identifier is the position in the table. */
static const char *option_name(int id)
{
	const char *p = names;

	while (id-- > 0)
		p += strlen(p) + 1;
	return p;
}

const char *cf_option_name(const struct cf_option *o)
{
	return option_name(o->id) + 1;
}

/* The option with this letter, or whose long name starts with name; -1, or -2: both of several. */
static int find_option(char letter, struct span name, int several[2])
{
	int found = -1, id = 0;

	for (const char *p = names, *next; *p; p = next, id++) {
		struct span n = span_str(p + 1);

		next = n.ptr + n.len + 1;
		/* A letter and a whole name decide; a prefix only when no other name has it. */
		if (letter ? *p == letter : ascii_eq_nocase(n, name))
			return id;
		if (letter || !ascii_starts_nocase(n, name))
			continue;
		if (found >= 0) {
			several[0] = found;
			several[1] = id;
			return -2;
		}
		found = id;
	}
	return found;
}

/* The list is in order of appearance and the last one counts, as in sendmail. */
struct span cf_option_get(const struct cf *cf, const char *name)
{
	struct span v = {NULL, 0};
	int several[2], id = find_option('\0', span_str(name), several);

	/* Each header's addresses ask: the names are looked through once, not for each line. */
	for (const struct cf_option *o = cf->options; o; o = o->next)
		if (o->id == id)
			v = o->value;
	return v;
}

/* Is word one of the words, parted by blanks? */
static bool listed(const char *words, struct span word)
{
	for (struct span s = span_str(words), w; s.len;) {
		w = span_cut(&s, ' ');
		if (ascii_eq_nocase(w, word))
			return true;
	}
	return false;
}

void cf_check_time(struct cf_eval *ev, struct span v)
{
	if (ascii_eq_nocase(v, SPAN("now")))
		return;
	for (v = span_skip(v, v.len && v.ptr[0] == '-'); v.len; v = span_skip(v, 1))
		if (!ascii_is_digit(v.ptr[0]) && !strchr("wdhms", v.ptr[0])) {
			cf_report(ev, "", "Invalid time unit `%c'", v.ptr[0]);
			/* It is told, and is no error. */
			ev->cf->errors -= ev->building;
		}
}

/* "Timeout" with ".queuereturn=5d", or ".queuereturn.urgent=1d". */
static void check_timeout(struct cf_eval *ev, struct span v)
{
	static const char known[] = "initial mail rcpt datainit datablock datafinal command rset "
				    "quit misc helo ident fileopen connect iconnect aconnect auth "
				    "queuewarn queuereturn hoststatus resolver control lhlo "
				    "starttls message session";
	struct span name;

	if (v.len && ascii_is_digit(v.ptr[0]))
		cf_check_time(ev, v);
	if (v.len == 0 || v.ptr[0] != '.')
		return;
	v = span_skip(v, 1);
	name = span_cut(&v, '=');
	if (!listed(known, span_head(name, span_index(name, '.'))))
		cf_report(ev, "", "settimeout: invalid timeout %.*s", SPAN_ARG(name));
	/* A number of attempts, and not a time. */
	else if (!ascii_starts_nocase(name, SPAN("resolver.retry")))
		cf_check_time(ev, span_trim(v));
}

/* "+aaonly -dnsrch" */
static void check_resolver(struct cf_eval *ev, struct span v)
{
	while (v.len) {
		struct span word = span_cut(&v, ' ');

		word = span_skip(word, word.len && strchr("+-", word.ptr[0]));
		if (word.len &&
		    !listed("debug aaonly usevc primary igntc recurse defnames stayopen dnsrch "
			    "use_inet6 true HasWildcardMX WorkAroundBrokenAAAA",
			    word))
			cf_report(ev, "", "readcf: I option value %.*s unrecognized",
				  SPAN_ARG(word));
	}
}

/* The first letter of each word. */
static void check_letters(struct cf_eval *ev, const char *name, struct span v, const char *known)
{
	while (v.len) {
		size_t n = 0;

		while (n < v.len && !strchr(", \t", v.ptr[n]))
			n++;
		if (n && !strchr(known, v.ptr[0]))
			cf_note(ev, "Warning: Option: %s unknown parameter '%c'", name, v.ptr[0]);
		v = span_skip(v, n + 1);
	}
}

/* What sendmail says of a value that it cannot use. */
static void check_value(struct cf_eval *ev, const char *name, struct span v)
{
	static const char times[] = "AliasWait ConnectionCacheTimeout QueueTimeout MinQueueAge "
				    "DialDelay DeliverByMin RejectLogInterval "
				    "ConnectionRateWindowSize MaxQueueAge";
	struct span user = span_head(v, span_index(v, ':'));

	user = span_trim(span_head(user, span_index(user, '.')));
	for (size_t i = 0; i < v.len; i++)
		if ((unsigned char)v.ptr[i] == CF_MACRO)
			return;
	if (strcmp(name, "Timeout") == 0)
		check_timeout(ev, v);
	else if (listed(times, span_str(name)))
		cf_check_time(ev, span_cut(&v, '/'));
	if (strcmp(name, "QueueTimeout") == 0)
		cf_check_time(ev, v);
	else if (strcmp(name, "ResolverOptions") == 0)
		check_resolver(ev, v);
	else if (strcmp(name, "AuthOptions") == 0)
		check_letters(ev, name, v, "aAcdfmpy");
	else if (strcmp(name, "TLSSrvOptions") == 0)
		check_letters(ev, name, v, "CV");
	else if (strcmp(name, "NoRecipientAction") == 0 &&
		 !listed("none add-to add-apparently-to add-bcc add-to-undisclosed", v))
		cf_report(ev, "", "Invalid NoRecipientAction: %.*s", SPAN_ARG(v));
	else if (strcmp(name, "QueueSortOrder") == 0 &&
		 (!v.len || !strchr("hptfnmrHPTFNMR", v.ptr[0])))
		cf_report(ev, "", "Invalid queue sort order \"%.*s\"", SPAN_ARG(v));
	else if (listed("DefaultUser RunAsUser TrustedUser", span_str(name)) &&
		 !(user.len && ascii_is_digit(user.ptr[0])) &&
		 cf_account_id(ev, "/etc/passwd", user, 2) < 0)
		cf_report(ev, "", "readcf: option %s: unknown user %.*s",
			  name[0] == 'D' ? "u" : name, SPAN_ARG(user));
}

/*
 * Every setting is kept, not only the last: some options (DaemonPortOptions, Timeout) may
 * be given several times and add up.
 */
static void keep_option(struct cf_eval *ev, int id, struct span value)
{
	struct cf *cf = ev->cf;
	struct cf_option *o = arena_alloc(&cf->mem, sizeof *o);
	const char *name = option_name(id) + 1;

	if (!o)
		return;
	*o = (struct cf_option){NULL, (uint8_t)id, arena_dup(&cf->mem, value)};
	*cf->options_tail = o;
	cf->options_tail = &o->next;
	check_value(ev, name, value);
	if (strcmp(name, "BlankSub") == 0)
		cf->blank = value.len ? value.ptr[0] : ' ';
	if (strcmp(name, "OperatorChars") == 0) {
		if (cf->chars || cf->split)
			cf_note(ev, "Warning: OperatorChars is being redefined.\n"
				    "         It should only be set before ruleset definitions.");
		cf->chars = true;
		cf_set_operators(cf, value);
	}
}

/* "Timeout.x=5" belongs to Timeout with the value ".x=5". */
void cf_option_set(struct cf_eval *ev, char letter, struct span text)
{
	struct span name = {NULL, 0}, value = text;
	int id, several[2];
	size_t n = 0;

	if (!letter) {
		cf_report(ev, "", "readcf: unknown option name 0x0");
		return;
	}
	/* "O Name=value": a blank instead of the letter announces the long name. */
	if (letter == ' ') {
		letter = '\0';
		while (n < value.len && value.ptr[n] != '=' && value.ptr[n] != '.')
			n++;
		name = span_head(value, n);
		while (name.len && name.ptr[name.len - 1] == ' ')
			name.len--;
		value = span_skip(value, n);
		if (value.len && value.ptr[0] == '=')
			value = ascii_skip_space(span_skip(value, 1));
		if (n == 0) {
			cf_report(ev, "", "readcf: null option name");
			return;
		}
	}
	/* "OMxvalue" defines macro x, from before -M and D lines could do it. */
	if (letter == 'M') {
		size_t used;
		int macro = cf_macro_id(ev, text, &used);

		if (macro)
			cf_macro_define(ev->cf, macro, span_skip(text, used));
		return;
	}
	id = find_option(letter, name, several);
	if (name.len && id >= 0 && !ascii_eq_nocase(name, span_str(option_name(id) + 1))) {
		cf_report(ev, "", "Option %.*s used as abbreviation for %s", SPAN_ARG(name),
			  option_name(id) + 1);
		ev->cf->errors -= ev->building;
	}
	if (id >= 0)
		keep_option(ev, id, value);
	else if (id == -2)
		cf_report(ev, "", "readcf: ambiguous option name %.*s (matches %s and %s)",
			  SPAN_ARG(name), option_name(several[0]) + 1, option_name(several[1]) + 1);
	else if (letter)
		cf_report(ev, "", "readcf: unknown option name 0x%x", (unsigned char)letter);
	else
		cf_report(ev, "", "readcf: unknown option name %.*s", SPAN_ARG(name));
}
