# letterbox: one static binary.  See README.md; "make help" lists the targets.

OUT     := build/out
VARIANT ?= release
OBJ     := $(OUT)/obj/$(VARIANT)
BEARSSL ?= source
.DEFAULT_GOAL := all

include build/toolchain.mk

APPLET_SRC  := $(sort $(wildcard applets/*.c))
LIBMAIL_SRC := $(sort $(wildcard libmail/*/*.c))
SRC         := $(APPLET_SRC) $(LIBMAIL_SRC)
OBJS        := $(SRC:%.c=$(OBJ)/%.o)
LIB_OBJS    := $(LIBMAIL_SRC:%.c=$(OBJ)/%.o)
LIBMAIL     := $(OBJ)/libmail.a

.PHONY: all
all: $(OUT)/letterbox

$(OBJ)/%.o: %.c $(OBJ)/flags $(BEARSSL_STAMP)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Rebuilt when the compiler or a flag changed, and only then.
$(OBJ)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | cmp -s - $@ || echo '$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL)' >$@
.PHONY: FORCE
FORCE:

$(LIBMAIL): $(LIB_OBJS)
	@rm -f $@
	$(AR) rcsD $@ $(LIB_OBJS)

$(OBJ)/letterbox.debug: $(APPLET_SRC:%.c=$(OBJ)/%.o) $(LIBMAIL) $(BEARSSL_LIB)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(APPLET_SRC:%.c=$(OBJ)/%.o) $(LIBMAIL) $(BEARSSL_LIB) $(LDLIBS)

$(OUT)/letterbox: $(OBJ)/letterbox.debug
	cp $< $(OUT)/letterbox.debug
	$(STRIP) -s -R .comment -o $@ $<

.PHONY: clean
clean:
	rm -rf $(OUT)

-include $(OBJS:.o=.d)

include build/check.mk
