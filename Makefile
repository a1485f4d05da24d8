# letterbox: one static binary.  "make help" lists the targets, README.md says the rest.
#
# Everything that is made goes to build/out/.  VARIANT=release (musl, static) is what ships;
# VARIANT=san and VARIANT=fuzz are the same code on the host's libc under sanitizers, each
# with objects of its own, so that no variant ever rebuilds another.

OUT     := build/out
VARIANT ?= release
OBJ     := $(OUT)/obj/$(VARIANT)
PREFIX  ?= /usr/local
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# V=1 shows the commands whole.
Q := $(if $(V),,@)

include build/toolchain.mk

APPLET_SRC  := $(sort $(wildcard applets/*.c))
LIBMAIL_SRC := $(sort $(wildcard libmail/*/*.c))
SRC         := $(APPLET_SRC) $(LIBMAIL_SRC)
APPLET_OBJ  := $(APPLET_SRC:%.c=$(OBJ)/%.o)
LIBMAIL_OBJ := $(LIBMAIL_SRC:%.c=$(OBJ)/%.o)
LIBMAIL     := $(OBJ)/libmail.a
BIN         := $(if $(filter release,$(VARIANT)),$(OUT)/letterbox,$(OUT)/$(VARIANT)/letterbox)

.PHONY: all
all: $(BIN)

.PHONY: help
help:
	@sed -n 's/^# make \([^:]*\): */  \1|/p' $(MAKEFILE_LIST) | \
	    awk -F'|' '{ printf "%-34s %s\n", $$1, $$2 }'

# make all: build/out/letterbox, and letterbox.debug with symbols

# LINK ... -o FILE $(CRT_BEGIN) OBJECTS $(LINK_LIBS)
LINK      = $(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL)
LINK_LIBS = $(LIBMAIL) $(BEARSSL_LIB) $(LDLIBS) $(MUSL_WHOLE) $(CRT_END)

# Rewritten when the compiler or a flag changed, and only then.
FLAGS = $(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LDLIBS)
$(OBJ)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
$(OBJ)/linking: FORCE
	@mkdir -p $(@D)
	@echo '$(LTO_LINK)' | cmp -s - $@ || echo '$(LTO_LINK)' >$@
$(OBJ)/packing: FORCE
	@mkdir -p $(@D)
	@echo '$(PACK) $(START_FLAGS)' | cmp -s - $@ || echo '$(PACK) $(START_FLAGS)' >$@
.PHONY: FORCE
FORCE:

# The list of sources, so that a deleted file leaves the archive too.
$(OBJ)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(APPLET_SRC) $(LIBMAIL_SRC)' | cmp -s - $@ || echo '$(APPLET_SRC) $(LIBMAIL_SRC)' >$@

# Made once, not for each object, and what is done is said by make itself: a process less each.
OBJ_DIRS := $(sort $(dir $(APPLET_OBJ) $(LIBMAIL_OBJ)))
$(OBJ_DIRS):
	@mkdir -p $@

$(OBJ)/%.o: %.c $(OBJ)/flags $(BEARSSL_STAMP) | $(TOOLS) $(OBJ_DIRS)
	$(info $()  cc $< [$(VARIANT)])
	$(Q)$(CC) $(CFLAGS_ALL) $(LTO_COMPILE) -MMD -MP -c -o $@ $<

$(LIBMAIL): $(LIBMAIL_OBJ) $(OBJ)/sources
	@rm -f $@
	$(Q)$(AR) rcsD $@ $(LIBMAIL_OBJ)

$(OBJ)/letterbox: $(APPLET_OBJ) $(LIBMAIL) $(BEARSSL_LIB) $(RUNTIME) $(OBJ)/flags $(OBJ)/linking
	@echo "  link $@"
	$(Q)$(LINK) $(LTO_LINK) -Wl,-Map=$@.map -o $@ $(CRT_BEGIN) $(APPLET_OBJ) $(LINK_LIBS)

# What ships.  letterbox.debug is the same program at the same addresses, not packed.
$(OBJ)/letterbox.stripped: $(OBJ)/letterbox
	@cp $< $(OUT)/letterbox.debug
	$(Q)$(STRIP) -s -R .comment -o $@ $<

ifeq ($(PACK),1)
START := $(OBJ)/start
$(START)/pack: start/pack.c start/split.c start/texts.c start/recent.c $(wildcard start/*.h) | $(TOOLS)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=c11 $(WARN) -O2 -I. -o $@ start/pack.c start/split.c start/texts.c start/recent.c

# Parts that are packed each by themselves share no table: the codes of one do not fit another.
PARTS := $(addprefix $(START)/image.,0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
$(START)/image.zst: $(OBJ)/letterbox.stripped $(START)/pack
	$(Q)$(START)/pack $< $(START)/image $(START)/image.inc
	$(Q)zstd --ultra -22 --single-thread --no-check -q -f -c $(PARTS) >$@

$(OUT)/letterbox: $(START)/image.zst $(wildcard start/*.[ch]) $(OBJ)/flags $(OBJ)/packing
	@echo "  pack $@"
	$(Q)$(CC) $(START_FLAGS) -O1 -c -o $(START)/split.o start/split.c
	$(Q)$(CC) $(START_FLAGS) -O2 -c -o $(START)/zstd.o start/zstd.c
	$(Q)$(CC) $(START_FLAGS) -DLETTERBOX_IMAGE_PACKED='"$(START)/image.zst"' \
	    -DLETTERBOX_IMAGE_DESCRIPTION='"$(START)/image.inc"' -o $@ start/unpack.c $(START)/split.o \
	    $(START)/zstd.o start/zstd_entropy.c start/texts.c start/recent.c
	$(Q)$(STRIP) -s -R .comment $@
else
$(OUT)/letterbox: $(OBJ)/letterbox.stripped $(OBJ)/packing
	$(Q)cp -f $< $@
endif

$(OUT)/$(VARIANT)/letterbox: $(OBJ)/letterbox
	@mkdir -p $(@D)
	@cp -f $< $@

-include $(APPLET_OBJ:.o=.d) $(LIBMAIL_OBJ:.o=.d)

include build/check.mk
include build/install.mk
