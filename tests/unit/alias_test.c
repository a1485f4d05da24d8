/* Alias files: reading, looking up, lists of targets, newaliases, data bases. */
#include "service/alias.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/cdb.h"
#include "test.h"

static char dir[] = "/tmp/alias_test.XXXXXX";
static char path[64], said[4096];

static void put_file(const char *text)
{
	FILE *f;

	if (!path[0]) {
		if (!mkdtemp(dir))
			abort();
		snprintf(path, sizeof path, "%s/aliases", dir);
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

static const char text[] = "# c\n"
			   "root: alice\n"
			   "foo: a,\n"
			   "  b, c\n"
			   "Foo: \"|/bin/x y, z\",\n"
			   "# comment inside\n"
			   "\t/file/x\n"
			   "nocolon\n"
			   "empty:\n"
			   "\"quoted name\": b\n"
			   "\"plain\" : c\n"
			   "long: a\\\n"
			   "b\n"
			   "PostMaster: z\n"
			   "\n"
			   " stray\n"
			   " another\n"
			   "last: \\bob, :include:/x/y\n"
			   "  cont";

TEST(reads)
{
	static const struct {
		enum aliases_event ev;
		uint32_t line;
		const char *left, *right;
	} want[] = {
	    {ALIASES_ENTRY, 2, "root", "alice"},
	    {ALIASES_ENTRY, 4, "foo", "a,  b, c"},
	    {ALIASES_ENTRY, 5, "Foo", "\"|/bin/x y, z\","},
	    {ALIASES_NO_COLON, 8, "nocolon", ""},
	    {ALIASES_NO_VALUE, 9, "empty", ""},
	    {ALIASES_ENTRY, 10, "\"quoted name\"", "b"},
	    {ALIASES_ENTRY, 11, "\"plain\" ", "c"},
	    {ALIASES_ENTRY, 13, "long", "ab"},
	    {ALIASES_ENTRY, 14, "PostMaster", "z"},
	    {ALIASES_STRAY, 16, NULL, NULL},
	    {ALIASES_ENTRY, 19, "last", "\\bob, :include:/x/y  cont"},
	    {ALIASES_END, 19, NULL, NULL},
	};
	char copy[sizeof text];
	struct aliases_reader r;

	memcpy(copy, text, sizeof text);
	aliases_reader_init(&r, copy, sizeof text - 1);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		struct aliases_entry en = {{NULL, 0}, {NULL, 0}};

		CHECK_INT(aliases_read(&r, &en), want[i].ev);
		CHECK_INT(r.line, want[i].line);
		if (want[i].left) {
			CHECK_SPAN(en.left, span_str(want[i].left));
			CHECK_SPAN(en.right, span_str(want[i].right));
		}
	}
}

/* Every beginning of the file is read without a step outside of it. */
TEST(reads_what_is_cut_off)
{
	for (size_t n = 0; n < sizeof text; n++) {
		char *copy = malloc(n ? n : 1);
		struct aliases_reader r;
		struct aliases_entry en;
		int events = 0;

		memcpy(copy, text, n);
		aliases_reader_init(&r, copy, n);
		while (aliases_read(&r, &en) != ALIASES_END)
			events++;
		CHECK(events < 13);
		free(copy);
	}
}

TEST(targets)
{
	static const struct {
		enum aliases_kind kind;
		const char *text, *value;
	} want[] = {
	    {ALIASES_ADDRESS, "a", "a"},
	    {ALIASES_PROGRAM, "\"|/bin/x y, z\"", "/bin/x y, z"},
	    {ALIASES_PROGRAM, "| x \"q, r\"", "x \"q, r\""},
	    {ALIASES_FILE, "/file/x", "/file/x"},
	    {ALIASES_FILE, "\"/f g\"", "/f g"},
	    {ALIASES_INCLUDE, ":Include: /x", "/x"},
	    {ALIASES_EXACT, "\\bob", "bob"},
	    {ALIASES_ADDRESS, "c@d (x, y)", "c@d (x, y)"},
	    {ALIASES_ADDRESS, "N <x@y,z>", "N <x@y,z>"},
	    {ALIASES_ADDRESS, "\"q, r\"@z", "\"q, r\"@z"},
	    {ALIASES_ADDRESS, "a\\,b", "a\\,b"},
	};
	struct span list =
	    SPAN(" a, ,\"|/bin/x y, z\",| x \"q, r\" , /file/x,\"/f g\",:Include: /x,"
		 "\\bob, c@d (x, y), N <x@y,z>,\"q, r\"@z,a\\,b,,\t");
	struct aliases_target t;

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		CHECK(aliases_next(&list, &t));
		CHECK_INT(t.kind, want[i].kind);
		CHECK_SPAN(t.text, span_str(want[i].text));
		CHECK_SPAN(t.value, span_str(want[i].value));
	}
	CHECK(!aliases_next(&list, &t));
}

TEST(include_lines)
{
	struct span all = SPAN("# list\n\n a, b\r\n  \nc\n"), list;

	CHECK(aliases_next_list(&all, &list));
	CHECK_SPAN(list, SPAN("a, b"));
	CHECK(aliases_next_list(&all, &list));
	CHECK_SPAN(list, SPAN("c"));
	CHECK(!aliases_next_list(&all, &list));
}

static int look(struct alias *a, const char *name, struct buf *out)
{
	buf_reset(out);
	return alias_find(a, span_str(name), out);
}

TEST(looks_up)
{
	struct alias a;
	struct buf out;
	struct err e;
	char spec[256];

	put_file(text);
	buf_init(&out, 4096);
	alias_init(&a);
	snprintf(spec, sizeof spec, "hash:-o %s.none, %s", path, path);
	CHECK(alias_add(&a, span_str(spec), &e));
	CHECK_INT(a.files, 2);
	CHECK_INT(look(&a, "ROOT", &out), 0);
	CHECK_SPAN(buf_span(&out), SPAN("alice"));
	CHECK_INT(look(&a, "foo", &out), 0); /* the last one */
	CHECK_SPAN(buf_span(&out), SPAN("\"|/bin/x y, z\","));
	CHECK_INT(look(&a, "\"Quoted Name\"", &out), 0);
	CHECK_INT(look(&a, "plain", &out), 0);
	CHECK_INT(look(&a, "postmaster", &out), 0);
	CHECK_INT(look(&a, "empty", &out), EXIT_NOUSER);
	CHECK_INT(look(&a, "", &out), EXIT_NOUSER);
	/* A file that changed is read again. */
	put_file("new: x\nroot: bob\n");
	CHECK_INT(look(&a, "new", &out), 0);
	CHECK_INT(look(&a, "root", &out), 0);
	CHECK_SPAN(buf_span(&out), SPAN("bob"));
	alias_free(&a);
	/* A file that must be there and is not: no user is unknown for that. */
	alias_init(&a);
	snprintf(spec, sizeof spec, "%s.none", path);
	CHECK(alias_add(&a, span_str(spec), &e));
	CHECK_INT(look(&a, "root", &out), EXIT_TEMPFAIL);
	alias_free(&a);
	/* One that may be missing, and is not: its data base is only not to be opened. */
	alias_init(&a);
	snprintf(spec, sizeof spec, "hash:-o %s.none", path);
	CHECK(alias_add(&a, span_str(spec), &e));
	CHECK_INT(look(&a, "root", &out), EXIT_NOUSER);
	snprintf(spec, sizeof spec, "%s.none.cdb", path);
	CHECK_INT(mkdir(spec, 0700), 0);
	CHECK_INT(look(&a, "root", &out), EXIT_TEMPFAIL);
	CHECK_INT(rmdir(spec), 0);
	alias_free(&a);
	buf_free(&out);
}

TEST(refuses_specs)
{
	struct alias a;
	struct err e;

	alias_init(&a);
	CHECK(!alias_add(&a, SPAN("foo:/x"), &e));
	CHECK_SPAN(span_str(e.text), SPAN("setalias: unknown alias class foo"));
	CHECK(!alias_add(&a, SPAN("hash:-o"), &e));
	CHECK(alias_add(&a, SPAN("null:,a,b,c,d,e,f,g,h,i,j"), &e));
	CHECK(!alias_add(&a, SPAN("k,l"), &e));
	CHECK_SPAN(span_str(e.text), SPAN("Too many alias databases defined, 12 max"));
	alias_free(&a);
}

static void say(void *ctx, const char *file, uint32_t line, const char *what)
{
	size_t n = strlen(said);

	(void)ctx;
	snprintf(said + n, sizeof said - n, "%s%u: %s\n", file ? "" : "- ", (unsigned)line, what);
}

static bool name_of(void *ctx, const char *file, uint32_t line, const struct aliases_entry *en,
		    struct buf *out)
{
	struct span key = aliases_name(en->left);

	(void)ctx;
	(void)file;
	(void)line;
	for (size_t i = 0; i < key.len; i++)
		buf_putc(out, (char)(key.ptr[i] | 0x20));
	return true;
}

TEST(newaliases)
{
	struct alias_build b = {.say = say, .name = name_of, .program = "newaliases"};
	char spec[256], data[80];
	struct stat st;
	struct alias a;
	struct buf out;
	struct err e;

	put_file(text);
	alias_init(&a);
	snprintf(spec, sizeof spec, "cdb:%s,%s.none", path, path);
	CHECK(alias_add(&a, span_str(spec), &e));
	said[0] = '\0';
	alias_rebuild(&a, &b);
	snprintf(spec, sizeof spec,
		 "5: Foo... Warning: duplicate alias name foo\n"
		 "8: missing colon\n"
		 "9: empty:... missing value for alias\n"
		 "16: Non-continuation line starts with space\n");
	CHECK(strncmp(said, spec, strlen(spec)) == 0);
	CHECK(strstr(said, "0: 8 aliases, longest 25 bytes, 104 bytes total\n") != NULL);
	CHECK(strstr(said, "- 0: newaliases: cannot open ") != NULL);
	CHECK_INT(b.mistakes, 3);
	snprintf(data, sizeof data, "%s.cdb", path);
	CHECK_INT(stat(data, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0640);
	/* The text may go now. */
	unlink(path);
	a.files--;
	free(a.file[1]);
	buf_init(&out, 4096);
	CHECK_INT(look(&a, "Root", &out), 0);
	CHECK_SPAN(buf_span(&out), SPAN("alice"));
	CHECK_INT(look(&a, "foo", &out), 0);
	CHECK_SPAN(buf_span(&out), SPAN("\"|/bin/x y, z\","));
	CHECK_INT(look(&a, "nobody", &out), EXIT_NOUSER);
	alias_free(&a);
	buf_free(&out);
	unlink(data);
	rmdir(dir);
}

TEST(cdb_holds_all)
{
	struct cdb_writer w;
	struct buf out;
	struct span value;
	char key[16];

	buf_init(&out, 1 << 24);
	cdb_writer_init(&w, &out);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		cdb_add(&w, span_str(key), span_str(key + 3));
	}
	CHECK(cdb_end(&w));
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "key%d", i);
		CHECK(cdb_find(buf_span(&out), span_str(key), &value) &&
		      span_eq(value, span_str(key + 3)));
	}
	CHECK(!cdb_find(buf_span(&out), SPAN("key5000"), &value));
	/* Cut off anywhere, it may lose keys and nothing else. */
	for (size_t n = 0; n < out.len; n += 97)
		cdb_find(span_head(buf_span(&out), n), SPAN("key77"), &value);
	buf_free(&out);
}

TEST_MAIN
