#include "journal.h"

#include "text.h"

#include <stdlib.h>

void journal_add(struct journal *journal, const struct journal_entry *entry)
{
	struct journal_entry *place;

	if (journal->entries == NULL)
		journal->entries = allocate(JOURNAL_MAX * sizeof(*journal->entries));
	place = &journal->entries[journal->last % JOURNAL_MAX];
	*place = *entry;
	place->n = ++journal->last;
	if (journal->count < JOURNAL_MAX)
		journal->count++;
}

static void add_text(cJSON *object, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		cJSON_AddNullToObject(object, key);
	else
		cJSON_AddStringToObject(object, key, text);
}

static cJSON *show_entry(const struct journal_entry *entry)
{
	cJSON *shown = must(cJSON_CreateObject());

	cJSON_AddNumberToObject(shown, "n", (double)entry->n);
	cJSON_AddNumberToObject(shown, "at_ms", (double)entry->at_ms);
	cJSON_AddStringToObject(shown, "service", entry->service);
	cJSON_AddStringToObject(shown, "action", entry->action);
	add_text(shown, "secret", entry->secret);
	add_text(shown, "token", entry->token);
	add_text(shown, "access_key", entry->access_key);
	cJSON_AddBoolToObject(shown, "rotation_token", entry->rotation_token);
	cJSON_AddNumberToObject(shown, "status", entry->status);
	add_text(shown, "error", entry->error);
	add_text(shown, "fault", entry->fault);
	return shown;
}

cJSON *journal_show(const struct journal *journal)
{
	cJSON *list = must(cJSON_CreateArray());

	for (uint64_t n = journal->last - journal->count; n < journal->last; n++)
		cJSON_AddItemToArray(list, show_entry(&journal->entries[n % JOURNAL_MAX]));
	return list;
}

void journal_empty(struct journal *journal)
{
	journal->count = 0;
}

void journal_clear(struct journal *journal)
{
	free(journal->entries);
	*journal = (struct journal){0};
}
