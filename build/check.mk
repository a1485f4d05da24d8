# make check and its parts.  tests/run says what there is to run and runs it.

UNIT   := $(patsubst %.c,$(OBJ)/%,$(sort $(wildcard tests/unit/*_test.c)))
REPLAY := $(patsubst %_fuzz.c,$(OBJ)/%_replay,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
PEERS  := $(patsubst %.c,$(OBJ)/%,$(sort $(wildcard tests/interop/*.c)))
FUZZ   := $(patsubst %_fuzz.c,$(OBJ)/%_fuzz,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
FUZZ_SECONDS ?= 60

# What unit tests may link besides libmail: the applets without the dispatcher's main.
TESTED := $(OBJ)/applets.a
$(TESTED): $(APPLET_OBJ) $(OBJ)/sources
	@rm -f $@
	$(Q)$(AR) rcsD $@ $(filter-out %/letterbox.o,$(APPLET_OBJ))

# The tests' own code is not what is measured: compiling it for size, or with optimized checks for
# sanitizers, takes twice as long.
TEST_LEVEL  = $(if $(filter release,$(VARIANT)),-Og)$(if $(filter san,$(VARIANT)),-O0)
# gold, where it is there, links a program with sanitizers in half the time, for one that starts slower.
TEST_LINK  := $(if $(filter san,$(VARIANT)),$(if $(shell command -v ld.gold),-fuse-ld=gold))
TEST_CFLAGS = $(CFLAGS_ALL) $(TEST_LEVEL) $(TEST_LINK) -fno-lto -Itests -I. -MMD -MP -MF $@.d

$(PEERS): $(OBJ)/tests/%: tests/%.c $(LIBMAIL) $(BEARSSL_LIB) $(RUNTIME) $(OBJ)/flags
	$(info $()  cc $< [$(VARIANT)])
	$(Q)$(LINK) $(TEST_CFLAGS) -o $@ $(CRT_BEGIN) $< $(LINK_LIBS)

$(OBJ)/tests/unit/%_test: tests/unit/%_test.c $(TESTED) $(LIBMAIL) $(BEARSSL_LIB) $(RUNTIME) $(OBJ)/flags
	$(info $()  cc $< [$(VARIANT)])
	$(Q)$(LINK) $(TEST_CFLAGS) -o $@ $(CRT_BEGIN) $< $(TESTED) $(LINK_LIBS)

# The corpus without libFuzzer: gcc and a plain main.
$(OBJ)/tests/fuzz/%_replay: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(TESTED) $(LIBMAIL) \
    $(BEARSSL_LIB) $(RUNTIME) $(OBJ)/flags
	$(info $()  cc $< [$(VARIANT)])
	$(Q)$(LINK) $(TEST_CFLAGS) -Wno-missing-prototypes -o $@ $(CRT_BEGIN) $< tests/fuzz/replay.c \
	    $(TESTED) $(LINK_LIBS)

$(OBJ)/tests/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(TESTED) $(LIBMAIL) $(BEARSSL_LIB) $(RUNTIME) $(OBJ)/flags
	$(info $()  cc $< [$(VARIANT)])
	$(Q)$(LINK) $(TEST_CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer -o $@ $< $(TESTED) \
	    $(LINK_LIBS)

# Programs of ours that tests run against other people's.
PEER := $(patsubst %.c,$(OBJ)/%,$(sort $(wildcard tests/*/*_peer.c)))
$(OBJ)/%_peer: %_peer.c $(TESTED) $(LIBMAIL) $(BEARSSL_LIB) $(RUNTIME) $(OBJ)/flags
	$(info $()  cc $< [$(VARIANT)])
	$(Q)$(LINK) $(TEST_CFLAGS) -o $@ $(CRT_BEGIN) $< $(TESTED) $(LINK_LIBS)

TEST_PROGRAMS := $(sort $(UNIT) $(REPLAY) $(FUZZ) $(PEERS) $(PEER))
TEST_DIRS     := $(sort $(dir $(TEST_PROGRAMS)))
$(TEST_DIRS):
	@mkdir -p $@
$(TEST_PROGRAMS): | $(TEST_DIRS)

-include $(UNIT:%=%.d) $(REPLAY:%=%.d) $(FUZZ:%=%.d) $(PEERS:%=%.d) $(PEER:%=%.d)

.PHONY: test-programs fuzz-programs unit
test-programs: $(BIN) $(UNIT) $(REPLAY) $(PEERS) $(PEER)
fuzz-programs: $(FUZZ)

# make unit [T=address]: the unit tests alone, on both builds.
unit:
	@$(MAKE) --no-print-directory $(PARALLEL) VARIANT=san test-programs
	@$(MAKE) --no-print-directory $(PARALLEL) VARIANT=release test-programs
	@sh tests/run unit/$(T)

# make check [T=interop/swaks]: everything, or the tests whose label begins so.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j 2)
.PHONY: check fuzz demo
check:
	@sh build/setup.sh check
	@$(MAKE) --no-print-directory $(PARALLEL) VARIANT=release test-programs
	@$(MAKE) --no-print-directory $(PARALLEL) VARIANT=san test-programs
	@sh tests/run $(T)

# make demo: the main job, end to end, in a dozen lines.
demo: $(OUT)/letterbox
	@sh tests/demo.sh

# make bench [ROUNDS=3]: speed and memory beside postfix, in one run, as a table; root only.
ROUNDS ?= 3
.PHONY: bench
bench: $(OUT)/letterbox
	@python3 tests/bench/bench.py --rounds $(ROUNDS)
	@sh tests/bench/bt.sh $(ROUNDS)

# make fuzz [T=address] [FUZZ_SECONDS=60]: two targets at a time; findings go to build/out/fuzz/.
fuzz:
	@$(MAKE) --no-print-directory $(PARALLEL) VARIANT=fuzz fuzz-programs
	@FUZZ_SECONDS=$(FUZZ_SECONDS) sh tests/fuzz/run.sh $(T)

# make lint: everything that looks at the code instead of running it.
.PHONY: lint size tidy
lint: $(OUT)/letterbox
	@sh tests/run lint/

# make size [ALL=1]: where the octets of the binary are; fails above the budget.
size: $(OUT)/letterbox
	@python3 build/lint/size.py --show $(if $(ALL),--all)

# make tidy [TIDY_NODES=225000]: clang-tidy, as deep as its analyzer goes by itself.

# Over what was compiled anew since a part of the tree last passed.  Nine tenths of the time go to
# the analyzer, which follows one or two functions of most files for as long as it is allowed to;
# so the lints stop it earlier, and each depth has stamps of its own.  The parts have about the
# same weight, each a time limit of its own; the last has all that the others have not.
TIDY_NODES   ?= 225000
TIDY_OUT     := $(OUT)/lint/$(TIDY_NODES)
TIDY_PARTS   := applets format proto service
TIDY_applets := $(APPLET_OBJ)
TIDY_format  := $(filter $(foreach d,base sys format,$(OBJ)/libmail/$d/%),$(LIBMAIL_OBJ))
TIDY_proto   := $(filter $(foreach d,cf proto,$(OBJ)/libmail/$d/%),$(LIBMAIL_OBJ))
TIDY_service := $(filter-out $(TIDY_format) $(TIDY_proto),$(LIBMAIL_OBJ)) $(wildcard start/*.c)
# The starter has no libmail; what it unpacks was described when the program was packed.
$(TIDY_OUT)/service: $(wildcard start/*.h) $(OUT)/letterbox

.PHONY: $(TIDY_PARTS:%=tidy-%)
tidy: $(TIDY_PARTS:%=tidy-%)
$(TIDY_PARTS:%=tidy-%): tidy-%: $(TIDY_OUT)/%

.SECONDEXPANSION:
TIDY_RULES := .clang-tidy build/lint/lib/tidy.h build/lint/lib/tidy_files.sh
TIDY_NEW    = $(if $(filter $(TIDY_RULES) start/%.h,$?),$(TIDY_$(@F)),$(filter $(TIDY_$(@F)),$?))
$(TIDY_PARTS:%=$(TIDY_OUT)/%): $(TIDY_OUT)/%: $$(TIDY_$$*) $(TIDY_RULES)
	@mkdir -p $(@D)
	@sh build/lint/lib/tidy_files.sh $(TIDY_NODES) $(TIDY_NEW:$(OBJ)/%.o=%.c)
	@touch $@
