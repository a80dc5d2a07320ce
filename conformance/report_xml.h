/* SPDX-License-Identifier: BSD-3-Clause */
/* A thin skin over libxml2's writer, which knows how to quote. Errors are sticky and come out at the end. */
#ifndef CONFORMANCE_REPORT_XML_H
#define CONFORMANCE_REPORT_XML_H

#include <libxml/xmlwriter.h>
#include <stdio.h>

#include <vblk/base.h>

struct report_xml {
    xmlBufferPtr text;
    xmlTextWriterPtr writer;
    bool failed;
};

struct report_xml report_xml_open(void);
/* Ends what is open and writes all of it. Returns 0, or -1 if anything failed since the beginning. */
int report_xml_close(struct report_xml *xml, FILE *out);
void report_xml_begin(struct report_xml *xml, const char *element);
void report_xml_end(struct report_xml *xml);
void report_xml_attr(struct report_xml *xml, const char *name, const char *value);
void report_xml_text(struct report_xml *xml, const char *text);
/* An element with text and, if @class is not NULL, an attribute of that name. */
void report_xml_leaf(struct report_xml *xml, const char *element, const char *class, const char *text);
void report_xml_number(struct report_xml *xml, const char *attr, uint64_t value);

#endif /* CONFORMANCE_REPORT_XML_H */
