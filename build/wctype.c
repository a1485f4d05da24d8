/*
 * The wide characters' classes, for musl's regular expressions (build/musl.sh).
 *
 * letterbox stays in the C locale, in which a character is an octet and those above 0x7f have
 * no class.  The tables of musl's own functions, for all of Unicode, would be 13 KB of the
 * program.
 */
#include <ctype.h>
#include <wctype.h>

#undef iswalpha
#undef iswpunct
#undef towlower
#undef towupper

int iswalpha(wint_t c)
{
	return c < 0x80 && isalpha((int)c);
}

int iswpunct(wint_t c)
{
	return c < 0x80 && ispunct((int)c);
}

wint_t towlower(wint_t c)
{
	return c < 0x80 ? (wint_t)tolower((int)c) : c;
}

wint_t towupper(wint_t c)
{
	return c < 0x80 ? (wint_t)toupper((int)c) : c;
}
