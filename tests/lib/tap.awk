# Reads what times(1) of the shell said and one program's TAP; writes its counts "PASSED FAILED
# SKIPPED" to LOG.sum and prints a report, with the end of LOG.err where something failed.
# Variables: status (exit status), label, log_name (LOG), seconds (that it took).

# Its second line: of the processes that were waited for.
FILENAME ~ /\.times$/ {
    if (FNR == 2) {
        split($0, part, /[ms ]+/)
        used = int(part[1] * 60 + part[2] + part[3] * 60 + part[4])
    }
    next
}

/^ok/ {
    seen++
    if (toupper($0) ~ /# SKIP/) {
        skipped++
        sub(/.*# [Ss][Kk][Ii][Pp] */, "")
        report = report "skip " label ": " $0 "\n"
    } else
        passed++
    held = ""
    failing = 0
    next
}
/^not ok/ {
    seen++
    failed++
    failing = 1
    report = report "FAIL " label ": " $0 "\n" held
    held = ""
    next
}
/^1\.\.0/ {
    planned = 1
    skipped++
    sub(/^1\.\.0 *#? *([Ss][Kk][Ii][Pp])? */, "")
    report = report "skip " label ": " $0 "\n"
    plan = 0
    next
}
/^1\.\.[0-9]+$/ {
    planned = 1
    plan = substr($0, 4) + 0
    next
}
/^Bail out!/ {
    failed++
    report = report "FAIL " label ": " $0 "\n"
    bailed = 1
    next
}
# What a failing point printed: unit tests say it before the point, scripts behind it.
/^#/ {
    if (failing)
        report = report "    " $0 "\n"
    else
        held = held "    " $0 "\n"
    next
}

function broken(why) {
    failed++
    report = report "FAIL " label ": " why " (see " log_name ".tap and .err)\n"
}

END {
    if (status == 124 || status == 137)
        broken("stopped: ran too long")
    else if (!planned && !bailed)
        broken("ended without a plan, exit status " status)
    else if (!bailed && planned && plan != seen)
        broken("planned " plan " points, ran " seen)
    else if (status != 0 && !failed)
        broken("exit status " status)
    print passed + 0, failed + 0, skipped + 0 >(log_name ".sum")
    printf "%s", report
    if (!report)
        printf "ok   %s: %d, %d s, %d of CPU\n", label, passed, seconds, used
    if (failed) {
        while ((getline said <(log_name ".err")) > 0)
            last[++lines] = said
        for (n = lines > 30 ? lines - 29 : 1; n <= lines; n++)
            print "    | " last[n]
    }
}
