# make install [PREFIX=] [DESTDIR=]: the binary, a link for every row of applets.def, sendmail also in
# the two places where programs look for it, the manual pages.

BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
MANUAL := $(sort $(wildcard applets/*.[1-8]))

.PHONY: install
install: $(OUT)/letterbox
	install -d $(DESTDIR)$(BINDIR)
	install -m 755 $(OUT)/letterbox $(DESTDIR)$(BINDIR)/letterbox
	for name in $$(sed -n 's/^\(APPLET\|ALIAS\)("\([^"]*\)".*/\2/p' applets/applets.def); do \
	    [ "$$name" = letterbox ] || ln -sf letterbox $(DESTDIR)$(BINDIR)/$$name || exit; \
	done
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/lib
	for dir in sbin lib; do \
	    ln -sf $(BINDIR)/sendmail $(DESTDIR)$(PREFIX)/$$dir/sendmail || exit; \
	done
	for page in $(MANUAL); do \
	    install -d $(DESTDIR)$(MANDIR)/man$${page##*.} && \
	    install -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/ || exit; \
	done

# make clean: takes build/out/ away.
.PHONY: clean
clean:
	rm -rf $(OUT)
