# The references of R's `surveillance` on the series of compare.py.
# usage: Rscript references.R SERIES.csv ALARMS.csv   (SERIES: run,metric,day,change; ALARMS: method,setting,run,metric,day)
# What each is given: some weeks before, no season (there is none), and a grid of its own threshold that begins
# with the package's default.
suppressPackageStartupMessages(library(surveillance))
files <- commandArgs(TRUE)
table <- read.csv(files[1])
first <- 311 # 2023-01-01 in days since 2022-02-25
sink_ <- file(files[2], "w")
writeLines("method,setting,run,metric,day", sink_)
say <- function(method, setting, one, days) {
  if (length(days)) writeLines(paste(method, setting, one$run[1], one$metric[1], days, sep = ","), sink_)
}
for (one in split(table, list(table$run, table$metric), drop = TRUE)) {
  one <- one[order(one$day), ]
  x <- pmax(one$change, 0)
  n <- length(x)
  range <- which(one$day >= first & seq_len(n) > 90) # 56 days and their surroundings come first
  if (n < 120 || !length(range)) next
  series <- sts(x, frequency = 28)
  told <- function(found) which(as.vector(alarms(found)) == 1)
  # 28 days in place of 7, and a deviation of at least one item, without which a series that stands still
  # alarms at its first one: both help EARS here. C3 is left out: the package sums the two days before without
  # the day itself, so it cannot tell of a single day on that day.
  for (method in c("C1", "C2")) for (alpha in 10^-(c(3:10, 12, 14))) {
    found <- earsC(series, control = list(range = range, method = method, alpha = alpha, baseline = 28, minSigma = 1))
    say(paste("EARS", method), alpha, one, one$day[range[told(found)]])
  }
  # One fit serves every threshold: a day is beyond the quantile 1 - alpha when its p-value is below alpha.
  found <- suppressWarnings(farringtonFlexible(series, control = list(
    range = range, b = 2, w = 13, noPeriods = 1, pastWeeksNotIncluded = 0, trend = FALSE, reweight = TRUE,
    thresholdMethod = "nbPlugin", alpha = .05, limit54 = c(0, 4), glmWarnings = FALSE)))
  likely <- as.vector(found@control$pvalue)
  for (alpha in c(.05, .01, .005, .002, .001, 5e-4, 2e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-8)) {
    say("Farrington flexible", alpha, one, one$day[range[which(likely <= alpha)]])
  }
  past <- function(f) sapply(seq_len(n), function(i) f(x[max(1, i - 56):max(1, i - 1)]))
  mean56 <- pmax(past(mean), .05)
  size <- pmax((past(var) - mean56) / mean56^2, .01)
  for (bound in c(5, 6, 7, 8, 9, 10, 12, 14, 17, 20)) {
    both <- lapply(c("inc", "dec"), function(dir) one$day[range[told(glrnb(series, control = list(
      range = range, mu0 = mean56[range], alpha = median(size[range], na.rm = TRUE),
      c.ARL = bound, dir = dir, Mtilde = 1, M = 28, ret = "value")))]])
    say("glrnb", bound, one, both[[1]])
    say("glrnb both ways", bound, one, unique(unlist(both)))
  }
}
close(sink_)
