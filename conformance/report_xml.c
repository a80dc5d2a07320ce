/* SPDX-License-Identifier: BSD-3-Clause */
#include "report_xml.h"

#include <inttypes.h>

static void check(struct report_xml *xml, int result)
{
    xml->failed = xml->failed || result < 0;
}

/* Into memory: the library reports errors of files on standard error by itself. */
struct report_xml report_xml_open(void)
{
    struct report_xml xml = { .text = xmlBufferCreate() };

    xml.writer = xml.text ? xmlNewTextWriterMemory(xml.text, 0) : NULL;
    xml.failed = !xml.writer;
    if (!xml.failed)
        check(&xml, xmlTextWriterSetIndent(xml.writer, 1));
    return xml;
}

int report_xml_close(struct report_xml *xml, FILE *out)
{
    size_t length;

    if (xml->writer) {
        check(xml, xmlTextWriterEndDocument(xml->writer));
        check(xml, xmlTextWriterFlush(xml->writer));
        xmlFreeTextWriter(xml->writer);
    }
    length = xml->text ? (size_t)xmlBufferLength(xml->text) : 0;
    if (!xml->failed && fwrite(xmlBufferContent(xml->text), 1, length, out) != length)
        xml->failed = true;
    xmlBufferFree(xml->text);
    *xml = (struct report_xml){ .failed = xml->failed };
    return xml->failed ? -1 : 0;
}

void report_xml_begin(struct report_xml *xml, const char *element)
{
    if (!xml->failed)
        check(xml, xmlTextWriterStartElement(xml->writer, BAD_CAST element));
}

void report_xml_end(struct report_xml *xml)
{
    if (!xml->failed)
        check(xml, xmlTextWriterFullEndElement(xml->writer));
}

void report_xml_attr(struct report_xml *xml, const char *name, const char *value)
{
    if (!xml->failed)
        check(xml, xmlTextWriterWriteAttribute(xml->writer, BAD_CAST name, BAD_CAST value));
}

void report_xml_text(struct report_xml *xml, const char *text)
{
    if (!xml->failed)
        check(xml, xmlTextWriterWriteString(xml->writer, BAD_CAST text));
}

void report_xml_leaf(struct report_xml *xml, const char *element, const char *class, const char *text)
{
    report_xml_begin(xml, element);
    if (class)
        report_xml_attr(xml, "class", class);
    report_xml_text(xml, text);
    report_xml_end(xml);
}

void report_xml_number(struct report_xml *xml, const char *attr, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    report_xml_attr(xml, attr, text);
}
